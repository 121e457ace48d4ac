// Every message of the two interfaces as one row: its name, the sample that its golden file holds,
// and what is checked of any octets that claim to be such a message. Knows the layouts only through
// the codec.
#pragma once

#include "wire/ndr.h"

#include <ostream>
#include <string>
#include <vector>

namespace ntdsb::wire::test {

// What octets meant, and the octets that the codec writes for that meaning.
struct Understood {
    std::string meaning;
    Bytes again;
};

struct Message {
    std::string name;  // of tests/golden/<name>.hex
    Bytes (*sample)(); // the encoded sample
    Result<Understood> (*understand)(std::span<const std::byte>);
    Bytes (*random)(unsigned seed);               // encodes random values
    std::string (*random_meaning)(unsigned seed); // what these values were
};

// GoogleTest would print its octets, padding and all.
inline void PrintTo(const Message& message, std::ostream* out) { *out << message.name; }

const std::vector<Message>& messages();

// The octets of tests/golden/<name>.hex: hexadecimal pairs, and comments from '#' to the end of the
// line.
Bytes golden(const std::string& name);

} // namespace ntdsb::wire::test
