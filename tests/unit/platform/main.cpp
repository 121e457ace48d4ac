// The tests' own main: started with a part's name, the executable plays that part in a test and
// runs no test itself.
#include "child_process.h"

#include "core/path.h"
#include "core/utf16.h"
#include "platform/child.h"
#include "platform/lock.h"

#include <gtest/gtest.h>

#include <fstream>

namespace ntdsb::test {
namespace {

using Arguments = std::vector<std::u16string>;

void touch(const std::u16string& file) { std::ofstream(native_path(file)) << "x"; }

void wait_for_file(const std::u16string& file) {
    (void)wait_until([&] { return std::filesystem::exists(native_path(file)); });
}

// hold LOCK READY: takes the lock, makes READY, and waits to be killed.
int hold(const Arguments& arguments) {
    auto lock = platform::try_lock(native_path(arguments.at(0)), "the child");
    if (!lock || !lock.value()) return 1;
    touch(arguments.at(1));
    (void)wait_until([] { return false; });
    return 0;
}

// hand-on LOCK OTHER READY END: takes both locks and hands LOCK alone on to a child that makes
// READY and ends when END is there.
int hand_on(const Arguments& arguments) {
    auto lock = platform::try_lock(native_path(arguments.at(0)), "the gate");
    const auto other = platform::try_lock(native_path(arguments.at(1)), "the gate");
    if (!lock || !lock.value() || !other || !other.value()) return 1;
    bool was_started = false;
    return platform::run_child({own_program(), u"ready-until", arguments.at(2), arguments.at(3)},
                               lock.value()->hand_on(), was_started)
        .value();
}

// ready-until READY END
int ready_until(const Arguments& arguments) {
    touch(arguments.at(0));
    wait_for_file(arguments.at(1));
    return 0;
}

// say-arguments FILE ARGUMENT...: writes each argument and a line end to FILE; the exit status is
// their number.
int say_arguments(const Arguments& arguments) {
    std::ofstream out(native_path(arguments.at(0)), std::ios::binary);
    for (std::size_t i = 1; i < arguments.size(); ++i) out << utf16_to_wtf8(arguments[i]) << '\n';
    return static_cast<int>(arguments.size()) - 1;
}

int play(const std::u16string& part, const Arguments& arguments) {
    if (part == u"hold") return hold(arguments);
    if (part == u"hand-on") return hand_on(arguments);
    if (part == u"ready-until") return ready_until(arguments);
    if (part == u"say-arguments") return say_arguments(arguments);
    return -1;
}

} // namespace
} // namespace ntdsb::test

int main(int argc, char** argv) {
    std::vector<std::u16string> words;
    for (int i = 1; i < argc; ++i) words.push_back(ntdsb::wtf8_to_utf16(argv[i]));
    if (!words.empty()) {
        const int status = ntdsb::test::play(words.front(), {words.begin() + 1, words.end()});
        if (status >= 0) return status;
    }
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
