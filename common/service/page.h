// Pages of lists, bounded by bytes as well as by items.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "common/async/task.h"

namespace motcua::service {

// gRPC's clients take messages of 4 MiB unless told otherwise.
inline constexpr size_t kMostPageBytes = size_t{2} << 20;

// The page that `ask` makes of the request, which has at most `default_size` items where it names no number:
// where that is too large, one of half as many, and so on. A single item is told whatever its size. `ask` also
// tells how many bytes the page has, near enough: counting them exactly costs as much as writing them.
template <class Response, class Request, class Ask>
async::Task<absl::StatusOr<Response>> PageWithin(Request request, uint32_t default_size, Ask ask) {
  if (request.page_size() == 0) request.set_page_size(default_size);
  while (true) {
    size_t bytes = 0;
    async::Task<absl::StatusOr<Response>> asked = ask(request, &bytes);
    absl::StatusOr<Response> page = co_await std::move(asked);
    if (!page.ok() || request.page_size() == 1 || bytes <= kMostPageBytes) co_return page;
    request.set_page_size(request.page_size() / 2);
  }
}

}  // namespace motcua::service
