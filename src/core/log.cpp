// The log, on top of spdlog: a logger of our own outside of spdlog's registry, one synchronous
// sink, no thread. The only file that includes spdlog and fmt.
#include "core/log.h"

#include "core/path.h"
#include "platform/append_file.h"
#include "platform/process.h"

#ifndef SPDLOG_HEADER_ONLY
#define SPDLOG_HEADER_ONLY
#endif
#ifndef SPDLOG_FMT_EXTERNAL
#define SPDLOG_FMT_EXTERNAL
#endif
#ifndef FMT_HEADER_ONLY
#define FMT_HEADER_ONLY
#endif
#define SPDLOG_NO_TLS // a host may unload the library while its threads live
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <optional>

namespace ntdsb::log {
namespace {

// "2026-11-23T05:55:45.123Z 4711 4712 warning text": time in UTC, process, thread, level.
constexpr char line_pattern[] = "%Y-%m-%dT%H:%M:%S.%eZ %P %t %l %v";

// Hands each formatted line to the operating system in one call, so that the lines of several
// processes do not mix.
class AppendSink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    explicit AppendSink(platform::AppendFile file)
        : base_sink(std::make_unique<spdlog::pattern_formatter>(
              line_pattern, spdlog::pattern_time_type::utc, "\n")),
          file_(std::move(file)) {}

private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        file_.append(std::string_view(line.data(), line.size()));
    }
    void flush_() override {}

    platform::AppendFile file_;
};

using LoggerPtr = std::shared_ptr<spdlog::logger>;

struct State {
    std::mutex mutex; // guards the members below
    LoggerPtr logger;
    Settings settings;
    std::atomic<Level> level{Level::off};
};

// Never destroyed: lines may come from other threads while the process ends. Not allocated: a host's
// first call may find no memory.
State& state() noexcept {
    alignas(State) static std::byte memory[sizeof(State)];
    static auto* const made = new (memory) State;
    return *made;
}

LoggerPtr make_logger(platform::AppendFile file) {
    auto logger =
        std::make_shared<spdlog::logger>("ntdsb", std::make_shared<AppendSink>(std::move(file)));
    logger->set_level(spdlog::level::trace); // enabled() decides
    logger->set_error_handler([](const std::string&) {});
    return logger;
}

spdlog::level::level_enum spdlog_level(Level level) {
    switch (level) {
    case Level::error:
        return spdlog::level::err;
    case Level::warn:
        return spdlog::level::warn;
    case Level::info:
        return spdlog::level::info;
    case Level::debug:
        return spdlog::level::debug;
    case Level::trace:
        return spdlog::level::trace;
    case Level::off:
        break;
    }
    return spdlog::level::off;
}

// Control characters would let a name forge a second line.
std::string one_line(std::string_view line) {
    std::string out;
    out.reserve(line.size());
    for (const char c : line) {
        const auto value = static_cast<unsigned char>(c);
        if (value >= 0x20 && value != 0x7f)
            out += c;
        else
            append_text(out, std::u16string_view(std::u16string(1, value)));
    }
    return out;
}

} // namespace

Result<void> configure(const Settings& settings) {
    State& log = state();
    const std::lock_guard guard(log.mutex);
    if (log.logger && log.settings.level == settings.level && log.settings.file == settings.file)
        return ok();
    Result<void> opened = ok();
    std::optional<platform::AppendFile> file;
    if (settings.level != Level::off && !settings.file.empty()) {
        auto append = platform::AppendFile::open(native_path(settings.file));
        if (append) {
            file.emplace(std::move(append).value());
            platform::pin_module(); // the file is never closed: each loading would leave one open
        } else {
            opened = fail(
                append.error().code,
                "the log goes to standard error, since its file failed: ", append.error().what);
        }
    }
    log.logger = make_logger(file ? std::move(*file) : platform::AppendFile::standard_error());
    log.settings = settings;
    log.level.store(settings.level);
    return opened;
}

bool enabled(Level level) noexcept { return level != Level::off && level <= state().level.load(); }

void write(Level level, std::string_view line) noexcept {
    const platform::ThreadStateKeeper keeper;
    try {
        LoggerPtr logger;
        {
            State& log = state();
            const std::lock_guard guard(log.mutex);
            logger = log.logger;
        }
        if (logger && enabled(level))
            logger->log(spdlog_level(level), spdlog::string_view_t(one_line(line)));
    } catch (...) { // a line that cannot be written is dropped
    }
}

} // namespace ntdsb::log
