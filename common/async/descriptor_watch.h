// DescriptorWatch: a thread that wakes a poller when a descriptor becomes readable, once for each time it was asked to.
#pragma once

#include <cstdint>
#include <thread>

#include "common/async/poller.h"

namespace motcua::async::internal {

// Descriptor and poller outlive it. Arm: one thread at a time.
class DescriptorWatch {
 public:
  DescriptorWatch(int watched, Poller& poller);
  ~DescriptorWatch();
  DescriptorWatch(const DescriptorWatch&) = delete;
  DescriptorWatch& operator=(const DescriptorWatch&) = delete;

  // Asks for one wake-up, also where the descriptor is readable already.
  void Arm();

 private:
  void Control(int operation, int descriptor, uint32_t events);
  void Run();

  const int watched_;
  Poller& poller_;
  const int epoll_;
  const int stop_;
  std::thread thread_;
};

}  // namespace motcua::async::internal
