// Runs a role where the program was started as a child, else the tests.
#include "child_roles.h"

#include <gtest/gtest.h>

int main(int argc, char** argv) {
    if (argc > 1) {
        const int status = ntdsb::service::play_role({argv + 1, argv + argc});
        if (status >= 0) return status;
    }
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
