#pragma once

#include <set>

namespace motcua::feed {

// Keeps what somebody waits for among what is waited for, for as long as it lives.
template <class T>
class Awaited {
 public:
  Awaited(std::multiset<T>& all, T one) : all_(all), entry_(all.insert(one)) {}
  ~Awaited() { all_.erase(entry_); }
  Awaited(const Awaited&) = delete;
  Awaited& operator=(const Awaited&) = delete;

 private:
  std::multiset<T>& all_;
  const typename std::multiset<T>::iterator entry_;
};

}  // namespace motcua::feed
