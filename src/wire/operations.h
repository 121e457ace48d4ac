// Every operation of the two interfaces as one request and one reply struct, each described once by
// `fields`, which encodes and decodes it (design point 6; def/ntdsb.idl is the published form).
// Knows layouts and limits, not meanings.
//
// A reply's `status` is the operation's raw return code; when it is not 0 the other fields hold
// their empty values.
#pragma once

#include "core/codes.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ntdsb::wire {

enum class Interface : std::uint8_t { restore, backup };

// A UUID in its binary wire order (C706: three little-endian integers, then eight bytes).
using Uuid = std::array<std::uint8_t, 16>;
extern const Uuid restore_interface_uuid; // a8fe3c8c-6895-427d-a91c-95cc81b46064 v1.0
extern const Uuid backup_interface_uuid;  // fbc80959-3c7d-4ae4-b3ed-4afb9ec73267 v1.0

// Limits of what is decoded; a longer one is RPC_X_BAD_STUB_DATA.
// With its terminator (contract PATH-1).
inline constexpr std::uint32_t max_string_characters = 32767 + 1;
inline constexpr std::uint32_t max_restore_map_pairs = 1024; // contract REG-3
inline constexpr std::uint32_t max_token_bytes = 64 * 1024;
inline constexpr std::uint32_t max_list_characters = 16 * 1024 * 1024;
// One Read call; the client shortens a longer one.
inline constexpr std::uint32_t max_read_bytes = 16 * 1024 * 1024;

// A DCE context handle; all zero is "none".
struct ContextHandle {
    std::uint32_t attributes = 0;
    Uuid uuid{};
    bool operator==(const ContextHandle&) const = default;
};

struct RestoreMapPair {
    std::u16string source;
    std::u16string target;
    bool operator==(const RestoreMapPair&) const = default;
    template <class Codec>
    void fields(Codec& codec) {
        codec(source), codec(target);
    }
};

using Bytes = std::vector<std::byte>;

// A reply that carries nothing but the status.
struct StatusReply {
    Code status = 0;
    template <class Codec>
    void fields(Codec& codec) {
        codec(status);
    }
};
// A request on a session without further arguments.
struct SessionRequest {
    ContextHandle session;
    template <class Codec>
    void fields(Codec& codec) {
        codec(session);
    }
};
// End returns the context handle, zeroed.
struct EndReply {
    ContextHandle session;
    Code status = 0;
    template <class Codec>
    void fields(Codec& codec) {
        codec(session), codec(status);
    }
};
// A list of BFT-prefixed paths (contract ABI-5), raw UTF-16 with its inner and closing NULs.
struct ListReply {
    std::optional<std::u16string> list;
    Code status = 0;
    template <class Codec>
    void fields(Codec& codec) {
        codec.counted_list(list), codec(status);
    }
};

struct IsDirectoryOnline {
    static constexpr Interface interface_of = Interface::restore;
    static constexpr std::uint16_t opnum = 0;
    struct Request {
        std::u16string instance;
        template <class Codec>
        void fields(Codec& codec) {
            codec(instance);
        }
    };
    struct Reply {
        std::uint32_t online = 0;
        Code status = 0;
        template <class Codec>
        void fields(Codec& codec) {
            codec(online), codec(status);
        }
    };
};

struct RestorePrepare {
    static constexpr Interface interface_of = Interface::restore;
    static constexpr std::uint16_t opnum = 1;
    struct Request {
        std::u16string instance;
        std::uint32_t flags = 0;
        std::optional<Bytes> token; // absent: a restricted session (contract PREP-2)
        template <class Codec>
        void fields(Codec& codec) {
            codec(instance), codec(flags), codec.counted_token(token);
        }
    };
    struct Reply {
        ContextHandle session;
        Code status = 0;
        template <class Codec>
        void fields(Codec& codec) {
            codec(session), codec(status);
        }
    };
};

struct RestoreRegister {
    static constexpr Interface interface_of = Interface::restore;
    static constexpr std::uint16_t opnum = 2;
    struct Request {
        ContextHandle session;
        std::u16string checkpoint_path;
        std::u16string log_path;
        std::vector<RestoreMapPair> map;
        std::u16string backup_log_path;
        std::uint32_t gen_low = 0;
        std::uint32_t gen_high = 0;
        template <class Codec>
        void fields(Codec& codec) {
            codec(session), codec(checkpoint_path), codec(log_path), codec.counted_map(map),
                codec(backup_log_path), codec(gen_low), codec(gen_high);
        }
    };
    using Reply = StatusReply;
};

struct RestoreRegisterComplete {
    static constexpr Interface interface_of = Interface::restore;
    static constexpr std::uint16_t opnum = 3;
    struct Request {
        ContextHandle session;
        Code restore_state = 0;
        template <class Codec>
        void fields(Codec& codec) {
            codec(session), codec(restore_state);
        }
    };
    using Reply = StatusReply;
};

struct RestoreGetDatabaseLocations {
    static constexpr Interface interface_of = Interface::restore;
    static constexpr std::uint16_t opnum = 4;
    using Request = SessionRequest;
    using Reply = ListReply;
};

struct RestoreEnd {
    static constexpr Interface interface_of = Interface::restore;
    static constexpr std::uint16_t opnum = 5;
    using Request = SessionRequest;
    using Reply = EndReply;
};

struct SetCurrentLogNumber {
    static constexpr Interface interface_of = Interface::restore;
    static constexpr std::uint16_t opnum = 6;
    struct Request {
        std::u16string instance;
        std::uint32_t number = 0;
        template <class Codec>
        void fields(Codec& codec) {
            codec(instance), codec(number);
        }
    };
    using Reply = StatusReply;
};

struct CheckExpiryToken {
    static constexpr Interface interface_of = Interface::restore;
    static constexpr std::uint16_t opnum = 7;
    struct Request {
        std::u16string instance;
        std::optional<Bytes> token;
        template <class Codec>
        void fields(Codec& codec) {
            codec(instance), codec.counted_token(token);
        }
    };
    using Reply = StatusReply;
};

struct BackupPrepare {
    static constexpr Interface interface_of = Interface::backup;
    static constexpr std::uint16_t opnum = 0;
    struct Request {
        std::u16string instance;
        std::uint32_t grbit = 0;
        std::uint32_t type = 0;
        template <class Codec>
        void fields(Codec& codec) {
            codec(instance), codec(grbit), codec(type);
        }
    };
    struct Reply {
        std::optional<Bytes> token;
        ContextHandle session;
        Code status = 0;
        template <class Codec>
        void fields(Codec& codec) {
            codec.counted_token(token), codec(session), codec(status);
        }
    };
};

struct BackupEnd {
    static constexpr Interface interface_of = Interface::backup;
    static constexpr std::uint16_t opnum = 1;
    using Request = SessionRequest;
    using Reply = EndReply;
};

struct BackupGetDatabaseNames {
    static constexpr Interface interface_of = Interface::backup;
    static constexpr std::uint16_t opnum = 2;
    using Request = SessionRequest;
    using Reply = ListReply;
};

struct BackupOpenFile {
    static constexpr Interface interface_of = Interface::backup;
    static constexpr std::uint16_t opnum = 3;
    struct Request {
        ContextHandle session;
        std::u16string name; // with or without its BFT prefix (contract BOPEN-1)
        std::uint32_t read_hint = 0;
        template <class Codec>
        void fields(Codec& codec) {
            codec(session), codec(name), codec(read_hint);
        }
    };
    struct Reply {
        std::uint64_t size = 0;
        Code status = 0;
        template <class Codec>
        void fields(Codec& codec) {
            codec(size), codec(status);
        }
    };
};

// Reply: conformant varying array of bytes (max count, offset 0, count, bytes), padding to 4, u32
// count, status. Not described by `fields`: the bytes go through the sink; see wire/read_reply.h.
struct BackupRead {
    static constexpr Interface interface_of = Interface::backup;
    static constexpr std::uint16_t opnum = 4;
    struct Request {
        ContextHandle session;
        std::uint32_t size = 0; // 1..max_read_bytes
        template <class Codec>
        void fields(Codec& codec) {
            codec(session), codec.ranged(size, 1, max_read_bytes);
        }
    };
};

struct BackupClose {
    static constexpr Interface interface_of = Interface::backup;
    static constexpr std::uint16_t opnum = 5;
    using Request = SessionRequest;
    using Reply = StatusReply;
};

struct BackupGetBackupLogs {
    static constexpr Interface interface_of = Interface::backup;
    static constexpr std::uint16_t opnum = 6;
    using Request = SessionRequest;
    using Reply = ListReply;
};

struct BackupTruncateLogs {
    static constexpr Interface interface_of = Interface::backup;
    static constexpr std::uint16_t opnum = 7;
    using Request = SessionRequest;
    using Reply = StatusReply;
};

struct BackupPing {
    static constexpr Interface interface_of = Interface::backup;
    static constexpr std::uint16_t opnum = 8;
    struct Request {
        template <class Codec>
        void fields(Codec&) {}
    };
    using Reply = StatusReply;
};

struct BackupGetDatabaseLocations {
    static constexpr Interface interface_of = Interface::backup;
    static constexpr std::uint16_t opnum = 9;
    using Request = SessionRequest;
    using Reply = ListReply;
};

} // namespace ntdsb::wire
