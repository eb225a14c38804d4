#include "common/async/descriptor_watch.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "common/async/loop_thread.h"

namespace motcua::async::internal {

DescriptorWatch::DescriptorWatch(int watched, Poller& poller)
    : watched_(watched),
      poller_(poller),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      stop_(eventfd(0, EFD_CLOEXEC)) {
  Require(epoll_ < 0 || stop_ < 0 ? UV_EMFILE : 0, "cannot watch its descriptor");
  Control(EPOLL_CTL_ADD, stop_, EPOLLIN);
  Control(EPOLL_CTL_ADD, watched_, 0);
  thread_ = std::thread([this] { Run(); });
}

DescriptorWatch::~DescriptorWatch() {
  const uint64_t one = 1;
  Require(write(stop_, &one, sizeof(one)) == sizeof(one) ? 0 : UV_EIO, "cannot stop its watch");
  thread_.join();
  close(stop_);
  close(epoll_);
}

void DescriptorWatch::Arm() { Control(EPOLL_CTL_MOD, watched_, EPOLLIN | EPOLLONESHOT); }

void DescriptorWatch::Control(int operation, int descriptor, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = descriptor;
  Require(epoll_ctl(epoll_, operation, descriptor, &event) == 0 ? 0 : -errno, "cannot watch its descriptor");
}

void DescriptorWatch::Run() {
  BlockSignals();
  pthread_setname_np(pthread_self(), "loop-watch");
  while (true) {
    epoll_event event{};
    const int count = epoll_wait(epoll_, &event, 1, -1);
    if (count <= 0) continue;  // EINTR
    if (event.data.fd == stop_) return;
    poller_.Wake();
  }
}

}  // namespace motcua::async::internal
