// Makes the demo's database where there is no real one: demo_make_database FILE
#include "support/ese_builder.h"

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "demo_make_database FILE\n");
        return 2;
    }
    try {
        ntdsb::test::EseDatabase{}.page_size(8192).pages(254).write(argv[1]);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
