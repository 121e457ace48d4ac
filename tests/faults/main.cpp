// Runs the client that a test kills where the program was started as one, else the tests.
#include "killed_peers.h"

#include <gtest/gtest.h>

int main(int argc, char** argv) {
    if (argc == 6 && std::string(argv[1]) == faults::restoring_client)
        faults::restore_for_ever(argv[2], argv[3], argv[4], argv[5]);
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
