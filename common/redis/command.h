// Command: one Redis command, written straight into its wire form (RESP) in a single string.
//
//   Command set("SET");
//   set.Arg(key).Arg(value).Arg("PX").Arg(5000);
//   ... Execute(std::move(set), deadline);
// or, as a temporary: Execute(Command("GET").Arg(key), deadline).
//
// Every argument is length-prefixed, so keys and values may hold any bytes. Not an aggregate, on purpose: see
// common/async/task.h.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace motcua::redis {

namespace internal {
// Appends "$<length>\r\n<bytes>\r\n".
void AppendBulk(std::string& out, std::string_view bytes);
void AppendBulk(std::string& out, int64_t number);
void AppendBulk(std::string& out, double number);  // shortest text that reads back as the same number
// Appends the parts as one argument.
void AppendBulk(std::string& out, std::initializer_list<std::string_view> parts);
// Appends "$<length>\r\n": `length` bytes and "\r\n" are to follow.
void AppendBulkHeader(std::string& out, size_t length);
// Appends "*<count>\r\n".
void AppendArrayHeader(std::string& out, size_t count);
// The first argument of a wire form, "$<length>\r\n<bytes>\r\n" and so on; nothing where there is none.
std::optional<std::string_view> ReadBulk(std::string_view wire);
}  // namespace internal

class Command {
 public:
  explicit Command(std::string_view name);

  Command& Arg(std::string_view bytes) & {
    internal::AppendBulk(body_, bytes);
    ++count_;
    return *this;
  }
  template <std::integral Integer>
  Command& Arg(Integer number) & {
    internal::AppendBulk(body_, static_cast<int64_t>(number));
    ++count_;
    return *this;
  }
  Command& Arg(double number) & {
    internal::AppendBulk(body_, number);
    ++count_;
    return *this;
  }
  template <class Value>
  Command&& Arg(const Value& value) && {
    Arg(value);  // the lvalue overloads: *this is an lvalue here
    return std::move(*this);
  }

  // Room for `bytes` more, to spare a large command its reallocations.
  void Reserve(size_t bytes) { body_.reserve(body_.size() + bytes); }

  size_t args() const { return count_; }

  // The first key; nothing where the command has none. Knows the commands that are used here.
  std::optional<std::string_view> key() const;

  // Appends the whole command in wire form.
  void AppendTo(std::string& out) const;

 private:
  std::string body_;
  size_t count_ = 1;
};

}  // namespace motcua::redis
