#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"

namespace motcua::store {

// Guesses the next number of sequences, so that a creation takes its number in the commit itself, which
// checks that the sequence stands where the guess says. Guesses of commits under way go on from each other;
// the first that fails starts anew from what it has learnt, and those behind it follow.
//
// A guess of a number that this process thought to know, and another has taken, costs a commit; so the next
// numbers are told in prospect only, to be reserved first: the more, the more often it has happened.
//
// Confined to the loop.
class Sequences {
 public:
  struct Guess {
    Guess() {}
    uint64_t number = 0;  // 0 = none
    uint64_t round = 0;
    // Others take numbers, too: reserve one, which is this or a later one.
    bool in_prospect = false;
  };

  // `reserve`: in prospect in any case.
  Guess Next(const std::string& sequence, bool reserve = false);
  // It was taken.
  void Taken(const std::string& sequence, const Guess& guess);
  // Another has taken it: `next` is the one to go on with.
  void Missed(const std::string& sequence, const Guess& guess, uint64_t next);
  // It was not used, and nor can those be that were told after it.
  void GiveBack(const std::string& sequence, const Guess& guess);
  // Another number of the sequence than a guess was taken out of it.
  void Reserved(const std::string& sequence, uint64_t number);

 private:
  // Sequences of past days need not be remembered: a wrong guess costs one more commit.
  static constexpr size_t kMaxSequences = 4096;
  // So many numbers are reserved after the first miss, and at most.
  static constexpr uint32_t kFirstReserved = 64;
  static constexpr uint32_t kMostReserved = 4096;

  struct State {
    uint64_t next = 1;
    uint64_t round = 0;
    // The sequence has been heard of: before, a miss says nothing of others.
    bool known = false;
    uint32_t to_reserve = 0;
    // What the next miss makes of it.
    uint32_t after_miss = kFirstReserved;
  };
  State& Of(const std::string& sequence);
  // nullptr where the guess is of an earlier round.
  State* OfRound(const std::string& sequence, const Guess& guess);

  absl::flat_hash_map<std::string, State> states_;
  uint64_t rounds_ = 0;
};

inline Sequences::State& Sequences::Of(const std::string& sequence) {
  if (states_.size() >= kMaxSequences && !states_.contains(sequence)) states_.clear();
  const auto [entry, added] = states_.try_emplace(sequence);
  if (added) entry->second.round = ++rounds_;
  return entry->second;
}

inline Sequences::State* Sequences::OfRound(const std::string& sequence, const Guess& guess) {
  const auto entry = states_.find(sequence);
  return entry == states_.end() || entry->second.round != guess.round ? nullptr : &entry->second;
}

inline Sequences::Guess Sequences::Next(const std::string& sequence, bool reserve) {
  State& state = Of(sequence);
  Guess guess;
  guess.round = state.round;
  guess.number = state.next;
  if (reserve || state.to_reserve > 0) {
    guess.in_prospect = true;
    if (state.to_reserve > 0) --state.to_reserve;
  } else {
    ++state.next;
  }
  return guess;
}

inline void Sequences::Taken(const std::string& sequence, const Guess& guess) {
  State* state = OfRound(sequence, guess);
  if (state == nullptr) return;
  state->known = true;
  state->after_miss = kFirstReserved;
}

inline void Sequences::Missed(const std::string& sequence, const Guess& guess, uint64_t next) {
  State* state = OfRound(sequence, guess);
  if (state == nullptr) return;
  state->next = next;
  state->round = ++rounds_;
  if (state->known) {
    state->to_reserve = state->after_miss;
    state->after_miss = std::min(2 * state->after_miss, kMostReserved);
  }
  state->known = true;
}

inline void Sequences::GiveBack(const std::string& sequence, const Guess& guess) {
  State* state = OfRound(sequence, guess);
  if (state == nullptr || guess.in_prospect) return;
  state->next = guess.number;
  state->round = ++rounds_;
}

inline void Sequences::Reserved(const std::string& sequence, uint64_t number) {
  State& state = Of(sequence);
  if (number < state.next) return;
  // What was guessed from here on is taken.
  if (number + 1 != state.next) state.round = ++rounds_;
  state.next = number + 1;
  state.known = true;
}

}  // namespace motcua::store
