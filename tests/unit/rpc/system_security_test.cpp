// Security contexts of the system's own mechanisms (rpc/system_security.h), and whole associations
// through them: NTLM with a user file of the test's own, Kerberos with a KDC where one was started
// for the test.
#include "rpc/system_security.h"

#include "rpc/client_association.h"
#include "rpc/server_association.h"
#include "rpc_test_data.h"
#include "support/leaks_of_gssntlmssp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>

#include <dlfcn.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

// The computer's lists of users, with more in them: a user "NTDSB\\both", and two groups of his, the
// first with 5 MiB of members' names, the second with more than anybody would read.
namespace {
constexpr const char* listed_user = "NTDSB\\both";
constexpr const char* large_group = "ntdsb large";
constexpr const char* endless_group = "ntdsb endless";
constexpr gid_t large_group_id = 4'000'000'001;
constexpr std::size_t large_group_memory = std::size_t{5} * 1024 * 1024;

template <class Function>
Function next(Function, const char* name) {
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}
} // namespace
extern "C" int getpwnam_r(const char* name, passwd* entry, char* memory, std::size_t size,
                          passwd** found) {
    if (std::strcmp(name, listed_user) != 0)
        return next(&::getpwnam_r, "getpwnam_r")(name, entry, memory, size, found);
    *entry = {};
    entry->pw_name = const_cast<char*>(listed_user);
    entry->pw_gid = large_group_id;
    *found = entry;
    return 0;
}
extern "C" int getgrnam_r(const char* name, group* entry, char* memory, std::size_t size,
                          group** found) {
    const bool is_large = std::strcmp(name, large_group) == 0;
    if (!is_large && std::strcmp(name, endless_group) != 0)
        return next(&::getgrnam_r, "getgrnam_r")(name, entry, memory, size, found);
    *found = nullptr;
    if (!is_large || size < large_group_memory) return ERANGE;
    *entry = {};
    entry->gr_gid = large_group_id;
    *found = entry;
    return 0;
}

namespace ntdsb::rpc {
namespace {

// Set for as long as this lives.
class EnvironmentVariable {
public:
    EnvironmentVariable(const char* name, const std::string& value) : name_(name) {
        if (const char* const before = std::getenv(name)) before_ = before;
        ::setenv(name, value.c_str(), 1);
    }
    ~EnvironmentVariable() {
        if (before_)
            ::setenv(name_, before_->c_str(), 1);
        else
            ::unsetenv(name_);
    }
    EnvironmentVariable(const EnvironmentVariable&) = delete;
    EnvironmentVariable& operator=(const EnvironmentVariable&) = delete;

private:
    const char* name_;
    std::optional<std::string> before_;
};

constexpr std::uint16_t small_fragment = 5840;

platform::AuthIdentity identity(std::u16string_view user, std::u16string_view domain,
                                std::u16string_view password) {
    return {std::u16string(user), std::u16string(domain),
            platform::Secret::protect(password).value()};
}

// Both ends of a line in one thread.
class Wire final : public Stream {
public:
    using Peer = std::function<Bytes(std::span<const std::byte>)>;
    explicit Wire(Peer peer) : peer_(std::move(peer)) {}
    Result<void> write(std::span<const std::byte> sent) override {
        const Bytes answer = peer_(sent);
        readable_.insert(readable_.end(), answer.begin(), answer.end());
        return ok();
    }
    Result<void> read(std::span<std::byte> into) override {
        if (readable_.size() < into.size()) return fail(ERROR_BROKEN_PIPE, "the peer hung up");
        std::copy_n(readable_.begin(), into.size(), into.begin());
        readable_.erase(readable_.begin(),
                        readable_.begin() + static_cast<std::ptrdiff_t>(into.size()));
        return ok();
    }

private:
    Peer peer_;
    std::deque<std::byte> readable_;
};

// tests/support/realm.py has made one: a KDC, and a user file with the same people.
std::string realm_folder() {
    const char* const folder = std::getenv("NTDSB_REALM_FOLDER");
    return folder == nullptr ? std::string() : folder;
}

class SystemSecurity : public testing::Test {
protected:
    static void SetUpTestSuite() {
        if (!realm_folder().empty()) return;
        folder() = std::filesystem::temp_directory_path() /
                   ("ntdsb-security-" + std::to_string(::getpid()));
        std::filesystem::create_directories(folder());
        const std::string users = (folder() / "users").string();
        std::ofstream(users) << "NTDSB:both:Both-1\nNTDSB:nobody:Nobody-1\n";
        ::setenv("NTLM_USER_FILE", users.c_str(), 1);
        // No Kerberos of this computer's.
        ::setenv("KRB5_CONFIG", "/dev/null", 1);
        ::setenv("KRB5_KTNAME", (folder() / "none").c_str(), 1);
        ::setenv("KRB5CCNAME", (folder() / "none").c_str(), 1);
    }
    static void TearDownTestSuite() {
        if (!folder().empty()) std::filesystem::remove_all(folder());
    }
    static std::filesystem::path& folder() {
        static std::filesystem::path path;
        return path;
    }
    void SetUp() override { who = identity(u"both", u"NTDSB", u"Both-1"); }

    // A server that echoes, and a client that binds to it.
    Result<std::unique_ptr<ClientAssociation>> connect(AuthType type, Protection level) {
        server = std::make_unique<ServerAssociation>(
            Limits{.fragment = small_fragment}, std::vector{backup_interface}, "1",
            [](std::uint32_t) { return 1u; }, accept_security);
        NTDSB_TRY(auto context,
                  initiate_security(type, level, "host/localhost", who ? &*who : nullptr));
        return ClientAssociation::bind(
            std::make_unique<Wire>([this](std::span<const std::byte> sent) {
                Bytes received(sent.begin(), sent.end());
                if (on_the_way) on_the_way(received);
                Step step = server->receive(received);
                if (!step.why.empty()) why = step.why;
                Bytes out = std::move(step.send);
                if (!step.call) return out;
                const Bytes reply = whole_reply(*server, step.call->id, step.call->stub);
                out.insert(out.end(), reply.begin(), reply.end());
                return out;
            }),
            backup_interface, small_fragment, ClientSecurity{type, level, std::move(context)});
    }
    void expect_echo(ClientAssociation& client) {
        for (const std::size_t size : {0u, 4u, 8u, 5800u, 5801u, 100'000u}) {
            Bytes request(size);
            for (std::size_t i = 0; i < size; ++i)
                request[i] = static_cast<std::byte>(i * 31 & 0xff);
            wire::BufferSink echo(200'000);
            const auto called = client.call(4, request, echo);
            ASSERT_TRUE(called) << size << ": " << called.error().what << " / " << why;
            request.resize((size + 3) / 4 * 4); // the trailer's alignment
            EXPECT_TRUE(std::ranges::equal(echo.bytes(), request)) << size;
        }
    }
    // Refused at the bind, or, where the mechanism's last leg has no answer, at the first call.
    void expect_refused(AuthType type) {
        const auto client = connect(type, Protection::privacy);
        if (client) {
            wire::BufferSink echo(100);
            EXPECT_EQ(client.value()->call(4, {}, echo).error().code, ERROR_ACCESS_DENIED) << why;
        } else {
            EXPECT_EQ(client.error().code, ERROR_ACCESS_DENIED) << client.error().what;
        }
        EXPECT_EQ(server->security(), nullptr);
    }

    std::optional<platform::AuthIdentity> who; // none: the process's own credentials
    std::function<void(Bytes&)> on_the_way;
    std::unique_ptr<ServerAssociation> server;
    std::string why;
};

TEST_F(SystemSecurity, NtlmProtectsCallsBothWays) {
    for (const AuthType type : {AuthType::negotiate, AuthType::ntlm}) {
        for (const Protection level : {Protection::privacy, Protection::integrity}) {
            const auto client = connect(type, level);
            ASSERT_TRUE(client) << client.error().what << " / " << why;
            expect_echo(*client.value());
            ASSERT_NE(server->security(), nullptr);
            const auto peer = server->security()->peer();
            EXPECT_EQ(peer->name(), "NTDSB\\both");
            EXPECT_EQ(peer->mechanism(), "NTLM");
        }
    }
}

TEST_F(SystemSecurity, NtlmNamesMatchUsersWithoutCaseAndDomainsWithIt_ACC6) {
    who = identity(u"BOTH", u"NTDSB", u"Both-1");
    const auto client = connect(AuthType::ntlm, Protection::privacy);
    ASSERT_TRUE(client) << client.error().what << " / " << why;
    const auto peer = server->security()->peer();
    EXPECT_TRUE(peer->is("NTDSB\\both"));
    EXPECT_TRUE(peer->is("NTDSB\\Both"));
    for (const char* other : {"ntdsb\\both", "NTDSB\\bot", "NTDSB\\both ", "both", "both@NTDSB",
                              "\\both", "NTDSB\\", "group:root", "group:", ""})
        EXPECT_FALSE(peer->is(other)) << other;
}

// Whoever may write the user file gives names, not this computer's accounts.
TEST_F(SystemSecurity, ANtlmNameWithoutADomainIsInNoGroup_ACC6) {
    const std::string users =
        (realm_folder().empty() ? folder().string() : realm_folder()) + "/no-domain.users";
    std::ofstream(users) << "NTDSB:root:Root-1\n";
    const EnvironmentVariable file("NTLM_USER_FILE", users);
    who = identity(u"root", u"NTDSB", u"Root-1");
    // What is behind the domain in AUTHENTICATE is not signed: length, room and offset at 28.
    on_the_way = [](Bytes& sent) {
        constexpr std::array signature{'N', 'T', 'L', 'M', 'S', 'S', 'P', '\0', '\3'};
        const auto found =
            std::search(sent.begin(), sent.end(), signature.begin(), signature.end(),
                        [](std::byte b, char c) { return static_cast<char>(b) == c; });
        if (found != sent.end()) std::fill_n(found + 28, 4, std::byte{0});
    };
    const auto client = connect(AuthType::ntlm, Protection::privacy);
    if (!client || server->security() == nullptr) {
        ADD_FAILURE() << why;
        return;
    }
    const auto peer = server->security()->peer();
    EXPECT_EQ(peer->name(), "root");
    EXPECT_FALSE(peer->is("group:root"));
    EXPECT_FALSE(peer->is("root"));
    EXPECT_FALSE(peer->is("NTDSB\\root"));
    EXPECT_FALSE(peer->is("\\root"));
}

// Memory for its members is found, however many they are.
TEST_F(SystemSecurity, ALargeGroupsMembersAreInIt_ACC6) {
    const auto client = connect(AuthType::ntlm, Protection::privacy);
    ASSERT_TRUE(client) << client.error().what << " / " << why;
    const auto peer = server->security()->peer();
    EXPECT_TRUE(peer->is(std::string("group:") + large_group));
    EXPECT_FALSE(peer->is(std::string("group:") + endless_group));
    EXPECT_FALSE(peer->is("group:no such group"));
}

TEST_F(SystemSecurity, WrongPasswordsAndUnknownUsersAreRefused_AUTH5) {
    for (const AuthType type : {AuthType::negotiate, AuthType::ntlm}) {
        who = identity(u"both", u"NTDSB", u"both-1");
        expect_refused(type);
        who = identity(u"nosuch", u"NTDSB", u"Both-1");
        expect_refused(type);
        who = identity(u"both", u"OTHER", u"Both-1");
        expect_refused(type);
    }
}

TEST_F(SystemSecurity, WithoutCredentialsThereIsASentenceThatSaysWhatToDo_AUTH5) {
    if (!realm_folder().empty()) GTEST_SKIP() << "the realm has some";
    who.reset();
    const auto client = connect(AuthType::kerberos, Protection::privacy);
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ERROR_ACCESS_DENIED);
    EXPECT_NE(client.error().what.find("kinit"), std::string::npos) << client.error().what;
}

class Kerberos : public SystemSecurity {
protected:
    void SetUp() override {
        if (realm_folder().empty()) GTEST_SKIP() << "no realm: run by tests/support/realm.py";
        use_ticket("both");
    }
    static void use_ticket(const std::string& name) {
        ::setenv("KRB5CCNAME", (realm_folder() + "/" + name + ".ccache").c_str(), 1);
    }
};

TEST_F(Kerberos, ProtectsCallsBothWays) {
    for (const AuthType type : {AuthType::kerberos, AuthType::negotiate}) {
        for (const Protection level : {Protection::privacy, Protection::integrity}) {
            const auto client = connect(type, level);
            ASSERT_TRUE(client) << client.error().what << " / " << why;
            expect_echo(*client.value());
            ASSERT_NE(server->security(), nullptr);
            const auto peer = server->security()->peer();
            EXPECT_EQ(peer->name(), "both@NTDSB.TEST");
            EXPECT_EQ(peer->mechanism(), "Kerberos");
            EXPECT_TRUE(peer->is("both@NTDSB.TEST"));
            for (const char* other : {"both@ntdsb.test", "Both@NTDSB.TEST", "both", "NTDSB\\both"})
                EXPECT_FALSE(peer->is(other)) << other;
        }
    }
}

// In a process of its own, which has accepted nobody before.
TEST_F(Kerberos, AKeytabThatComesLaterIsFound_AUTH5) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const auto mechanism = [this] {
        const auto client = connect(AuthType::negotiate, Protection::privacy);
        if (!client || server->security() == nullptr) return std::string("none");
        return server->security()->peer()->mechanism();
    };
    const auto run = [&] {
        {
            const EnvironmentVariable keytab("KRB5_KTNAME", realm_folder() + "/no.keytab");
            const EnvironmentVariable ticket("KRB5CCNAME", realm_folder() + "/no.ccache");
            who = identity(u"both", u"NTDSB", u"Both-1");
            if (mechanism() != "NTLM" || mechanism() != "NTLM") ::_exit(1);
        }
        who.reset();
        const std::string later = mechanism();
        std::fprintf(stderr, "%s\n", later.c_str());
        ::_exit(later == "Kerberos" ? 0 : 2);
    };
    EXPECT_EXIT(run(), testing::ExitedWithCode(0), "Kerberos");
}

TEST_F(Kerberos, TakesAPassword_AUTH3) {
    for (const AuthType type : {AuthType::kerberos, AuthType::negotiate}) {
        who = identity(u"both", u"NTDSB.TEST", u"Both-1");
        const auto client = connect(type, Protection::privacy);
        ASSERT_TRUE(client) << client.error().what << " / " << why;
        EXPECT_EQ(server->security()->peer()->name(), "both@NTDSB.TEST");
        expect_echo(*client.value());
    }
    who = identity(u"both", u"NTDSB.TEST", u"wrong");
    const auto refused = connect(AuthType::kerberos, Protection::privacy);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ERROR_ACCESS_DENIED);
}

TEST_F(Kerberos, ExpiredTicketsAreRefused_AUTH5) {
    use_ticket("expired");
    expect_refused(AuthType::kerberos);
}

} // namespace
} // namespace ntdsb::rpc
