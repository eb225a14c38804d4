#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"

namespace motcua::store {

// Guesses the next number of sequences, so that a creation takes its number in the commit itself, which
// checks that the sequence stands where the guess says. Guesses of commits under way go on from each other;
// the first that fails starts anew from what it has learnt, and those behind it follow.
//
// Confined to the loop.
class Sequences {
 public:
  struct Guess {
    Guess() {}
    Guess(uint64_t number, uint64_t round) : number(number), round(round) {}
    uint64_t number = 0;  // 0 = none
    uint64_t round = 0;
  };

  Guess Next(const std::string& sequence);
  // The number was not taken: `next` is the one to go on with.
  void Missed(const std::string& sequence, const Guess& guess, uint64_t next);

 private:
  // Sequences of past days need not be remembered: a wrong guess costs one more commit.
  static constexpr size_t kMaxSequences = 4096;

  struct State {
    uint64_t next = 1;
    uint64_t round = 0;
  };
  absl::flat_hash_map<std::string, State> states_;
  uint64_t rounds_ = 0;
};

inline Sequences::Guess Sequences::Next(const std::string& sequence) {
  if (states_.size() >= kMaxSequences && !states_.contains(sequence)) states_.clear();
  const auto [entry, added] = states_.try_emplace(sequence);
  if (added) entry->second.round = ++rounds_;
  return Guess(entry->second.next++, entry->second.round);
}

inline void Sequences::Missed(const std::string& sequence, const Guess& guess, uint64_t next) {
  const auto entry = states_.find(sequence);
  if (entry == states_.end() || entry->second.round != guess.round) return;
  entry->second.next = next;
  entry->second.round = ++rounds_;
}

}  // namespace motcua::store
