// platform/child.h: the exit status, the arguments untouched, and one handle handed on (design
// point 9).
#include "platform/child.h"

#include "child_process.h"
#include "core/path.h"
#include "core/utf16.h"
#include "platform/lock.h"
#include "support/temp_folder.h"

#include <gtest/gtest.h>

#include <fstream>

namespace ntdsb::platform {
namespace {

class Child : public testing::Test {
protected:
    std::u16string file(std::string_view name) const { return wire_path(folder_ / name); }
    Lock a_lock() const {
        return std::move(*platform::try_lock(folder_ / "a.lock", "test").value());
    }
    bool is_free(std::string_view name) const {
        return platform::try_lock(folder_ / name, "test").value().has_value();
    }

    test::TempFolder folder_;
    bool was_started = false;
};

TEST_F(Child, ReturnsTheExitStatus) {
    Lock lock = a_lock();
    EXPECT_EQ(run_child({test::own_program(), u"say-arguments", file("out"), u"1", u"2", u"3"},
                        lock.hand_on(), was_started)
                  .value(),
              3);
    EXPECT_TRUE(was_started);
}

TEST_F(Child, PassesArgumentsUntouched) {
    Lock lock = a_lock();
    const std::vector<std::u16string> tricky{
        u"", u"a b", u"\"", u"a\\", u"a b\\", u"\\\"", u"a\\\\\"b c", u"--x=\"y z\"", u"*"};
    std::vector<std::u16string> arguments{test::own_program(), u"say-arguments", file("out")};
    arguments.insert(arguments.end(), tricky.begin(), tricky.end());
#ifdef _WIN32
    arguments.pop_back(); // mingw's start-up code expands it
#endif
    ASSERT_TRUE(run_child(arguments, lock.hand_on(), was_started));
    std::ifstream in(folder_ / "out", std::ios::binary);
    for (std::size_t i = 3; i < arguments.size(); ++i) {
        std::string line;
        ASSERT_TRUE(std::getline(in, line));
        EXPECT_EQ(line, utf16_to_wtf8(arguments[i]));
    }
}

TEST_F(Child, ProgramThatIsNotThereIsAnError) {
    Lock lock = a_lock();
    was_started = true;
    const auto status = run_child({u"ntdsb-no-such-program"}, lock.hand_on(), was_started);
    ASSERT_FALSE(status);
    EXPECT_FALSE(was_started);
    EXPECT_EQ(status.error().code, ERROR_FILE_NOT_FOUND);
    EXPECT_NE(status.error().what.find("ntdsb-no-such-program"), std::string::npos);
    EXPECT_EQ(run_child({}, lock.hand_on(), was_started).error().code, ERROR_INVALID_PARAMETER);
}

TEST_F(Child, KeepsTheLockHandedOnWhenItsParentIsKilled) {
    test::ChildProcess gate(
        {u"hand-on", file("engine.lock"), file("other.lock"), file("ready"), file("end")});
    ASSERT_TRUE(test::wait_until([&] { return std::filesystem::exists(folder_ / "ready"); }));
    gate.kill();
    EXPECT_FALSE(is_free("engine.lock")); // the child has it
    EXPECT_TRUE(is_free("other.lock"));   // the child was given only the one
    EXPECT_EQ(read_lock_holder(folder_ / "engine.lock"), "the gate");
    std::ofstream(folder_ / "end") << "x";
    EXPECT_TRUE(test::wait_until([&] { return is_free("engine.lock"); }));
}

} // namespace
} // namespace ntdsb::platform
