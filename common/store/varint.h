#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Numbers as protobuf writes them: seven bits a byte, the lowest first.
namespace motcua::store {

// Bytes of the largest number.
inline constexpr size_t kMaxVarint = 10;

size_t VarintSize(uint64_t value);
void AppendVarint(std::string& out, uint64_t value);
// Takes a number off the front; false where there is none.
bool TakeVarint(std::string_view& bytes, uint64_t& value);

}  // namespace motcua::store
