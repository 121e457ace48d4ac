// The head of a request for the metrics, which any program on this computer may send, in pieces of
// any size.
#include "fuzz/fuzz.h"

#include "server/metrics_page.h"

#include <algorithm>

namespace ntdsb::fuzz {

using server::MetricsAnswer;

void metrics_request(Input input) {
    Reader reader(input);
    const std::size_t piece = 1 + reader.u16() % server::longest_metrics_head;
    const Octets octets = exactly(reader.rest());
    const std::string_view sent = as_text(octets);
    // As the service reads: so much of it as has come, in a buffer that ends.
    std::size_t came = 0;
    MetricsAnswer answer = MetricsAnswer::none;
    while (answer == MetricsAnswer::none && came < sent.size()) {
        FUZZ_CHECK(came < server::longest_metrics_head, "a request of any length is answered");
        came = std::min({came + piece, sent.size(), server::longest_metrics_head});
        const Octets head = exactly(input.last(octets.size()).first(came));
        answer = server::metrics_answer(as_text(head));
    }
    const std::string_view head = sent.substr(0, came);
    constexpr std::string_view blank_line = "\r\n\r\n";
    const bool is_whole =
        std::search(head.begin(), head.end(), blank_line.begin(), blank_line.end()) != head.end();
    FUZZ_CHECK((answer == MetricsAnswer::page || answer == MetricsAnswer::not_found) == is_whole,
               "a whole head is answered, and no other");
    if (answer == MetricsAnswer::page)
        FUZZ_CHECK(head.substr(0, 13) == "GET /metrics ", "only the page is served");
    if (answer == MetricsAnswer::too_long)
        FUZZ_CHECK(came == server::longest_metrics_head, "what fits is not too long");
}

} // namespace ntdsb::fuzz
