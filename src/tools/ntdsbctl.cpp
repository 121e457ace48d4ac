// ntdsbctl, the administrator's command line beside the DLL.
#include "tools/commands.h"

#include "platform/terminal.h"

#include <boost/nowide/args.hpp>

#include <exception>
#include <iostream>

int main(int argc, char** argv) {
    try {
        const boost::nowide::args utf8_arguments(argc, argv);
        ntdsb::tools::Options options;
        options.in =
            ntdsb::platform::is_terminal(ntdsb::platform::StandardStream::in) ? &std::cin : nullptr;
        options.out = &std::cout;
        options.err = &std::cerr;
        options.err_is_terminal =
            ntdsb::platform::is_terminal(ntdsb::platform::StandardStream::err);
        return ntdsb::tools::run_command_line({argv + 1, argv + argc}, options);
    } catch (const std::exception& error) {
        std::cerr << "ntdsbctl: " << error.what() << '\n';
        return ntdsb::tools::exit_failed;
    }
}
