#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "common/status/errors.h"
#include "common/time/timestamp.h"
#include "tests/bench/scenarios.h"

namespace motcua::bench {

namespace {

using async::SyncWait;
using async::Task;

// What is allowed for the filing of the clocks that fall due: at this rate, and some more.
constexpr double kSlowestFiling = 400;
constexpr absl::Duration kMargin = absl::Seconds(25);
// Filing at half of its peak begins this long before the moment at the latest ...
constexpr absl::Duration kLeastBefore = absl::Seconds(10);
// ... or no sooner than this.
constexpr absl::Duration kMostBefore = absl::Seconds(20);
constexpr absl::Duration kPatience = absl::Minutes(2);
// After the last flag: one raised twice would show.
constexpr absl::Duration kAfter = absl::Seconds(3);
constexpr absl::Duration kTick = absl::Milliseconds(2);

// The flags as an onlooker of deadline-monitor's feed sees them.
class Flags {
 public:
  Flags(const Codes& codes, absl::Time moment) : moment_(moment) {
    for (size_t i = 0; i < codes.size(); ++i) seen_.emplace(codes[i], 0);
  }

  Task<void> Watch(rpc::StreamReader<feed::v1::ReadResponse> feed, async::CancelToken cancel) {
    while (true) {
      auto step = co_await feed.Read(cancel);
      if (cancel.cancelled()) co_return;
      if (!step.ok() || !step->has_value()) {
        status = step.ok() ? errors::Internal("BENCH", "the feed has ended") : step.status();
        co_return;
      }
      const absl::Time now = absl::Now();
      for (const feed::v1::Event& event : (*step)->events()) Count(event, now);
    }
  }

  bool all() const { return flagged == seen_.size(); }

  uint64_t flagged = 0, again = 0, early = 0, otherwise_due = 0;
  absl::Time last = absl::InfinitePast();
  Latencies lateness;
  absl::Status status;

 private:
  void Count(const feed::v1::Event& event, absl::Time now) {
    const feed::v1::AlertRaised& alert = event.alert_raised();
    if (alert.kind() != feed::v1::ALERT_KIND_OVERDUE || !alert.item().empty()) return;
    const auto found = seen_.find(event.subject());
    if (found == seen_.end()) return;
    if (found->second++ > 0) {
      ++again;
      return;
    }
    ++flagged;
    last = now;
    if (time::FromTimestamp(alert.due().late_from()) != moment_) ++otherwise_due;
    if (now < moment_) ++early;
    lateness.Add(std::max(absl::ZeroDuration(), now - moment_));
  }

  const absl::Time moment_;
  absl::flat_hash_map<std::string, int> seen_;
};

// Files at a steady rate, whatever the answers take; latencies count from when each was to begin.
class SteadyFiling {
 public:
  SteadyFiling(Bench& bench, double rate, absl::Time moment)
      : bench_(bench), interval_(absl::Seconds(1.0 / rate)), moment_(moment) {}

  // Returns when all that was begun is answered.
  Task<void> Run(const bool& stop) {
    absl::Time next = absl::Now();
    while (!stop || in_flight_ > 0) {
      const absl::Time now = absl::Now();
      bench_.system.SetNow(now);
      for (; !stop && next <= now; next += interval_) {
        ++in_flight_;
        bench_.loop.Spawn(One(next));
      }
      absl::Status slept = co_await bench_.loop.Sleep(kTick);
      (void)slept;
    }
  }

  uint64_t filed = 0;
  // Begun before the moment; and from then until `storm_over`.
  Latencies before, during;
  absl::Time storm_over = absl::InfiniteFuture();
  absl::Status status;

 private:
  Task<void> One(absl::Time begin) {
    absl::Status filed_one = co_await bench_.system.FileOne(nullptr);
    --in_flight_;
    if (!filed_one.ok()) {
      status = filed_one;
      co_return;
    }
    ++filed;
    if (begin < moment_) before.Add(absl::Now() - begin);
    if (begin >= moment_ && begin <= storm_over) during.Add(absl::Now() - begin);
  }

  Bench& bench_;
  const absl::Duration interval_;
  const absl::Time moment_;
  uint64_t in_flight_ = 0;
};

// Waits for the moment, for all flags, and a little longer; then stops the others.
Task<void> Conduct(Bench& bench, absl::Time moment, Flags& flags, SteadyFiling& filing, bool& stop,
                   async::CancelSource& over) {
  while (absl::Now() < moment + kPatience && flags.status.ok() && filing.status.ok() && !flags.all()) {
    absl::Status slept = co_await bench.loop.Sleep(kTick);
    (void)slept;
  }
  filing.storm_over = absl::Now();
  absl::Status slept = co_await bench.loop.Sleep(kAfter);
  (void)slept;
  stop = true;
  over.Cancel();
}

double Millis(const Latencies& latencies, double q) {
  return absl::ToDoubleMilliseconds(latencies.Quantile(q));
}

}  // namespace

absl::Status MeasureStorm(Bench& bench, const Settings& settings, Report& report) {
  absl::StatusOr<Codes> loaded = Load(bench, settings, report);
  if (!loaded.ok()) return loaded.status();
  absl::StatusOr<uint64_t> overdue_before = SyncWait(bench.loop, bench.system.EverOverdue());
  if (!overdue_before.ok()) return overdue_before.status();

  // Terms of hours are kept by the minute.
  const absl::Time ready =
      absl::Now() + kMargin + absl::Seconds(static_cast<double>(settings.due) / kSlowestFiling);
  const absl::Time moment = absl::FromUnixSeconds((absl::ToUnixSeconds(ready) / 60 + 1) * 60);
  Codes codes;
  Bounds bounds(settings.in_flight);
  bounds.count = settings.due;
  Phase peak = bench.Run(absl::StrCat("filing ", settings.due, " whose term ends in one moment"), bounds,
                         [&] { return bench.system.FileSixMinutes(moment - kSixMinutesLate, &codes); });
  if (!peak.status.ok()) return peak.status;
  report["filing at its peak"] = RowOf(peak);
  absl::Status caught_up = bench.CaughtUp();
  if (!caught_up.ok()) return caught_up;
  if (absl::Now() > moment - kLeastBefore) {
    return errors::DeadlineExceeded("BENCH", "filing took too long; try fewer clocks (--due)");
  }
  auto ends = SyncWait(bench.loop, bench.system.FeedEnds());
  if (!ends.ok()) return ends.status();
  Bench::Tell("waiting for the moment");
  if (absl::Now() < moment - kMostBefore) {
    absl::Status slept = SyncWait(bench.loop, bench.loop.Sleep(moment - kMostBefore - absl::Now()));
    if (!slept.ok()) return slept;
  }

  const double rate = peak.rate() / 2;
  bool stop = false;
  Flags flags(codes, moment);
  SteadyFiling filing(bench, rate, moment);
  async::CancelSource over(bench.loop);
  absl::StatusOr<Reading> before = bench.Read();
  if (!before.ok()) return before.status();
  const absl::Time start = absl::Now();
  std::optional<rpc::StreamReader<feed::v1::ReadResponse>> feed;
  bench.loop.RunAndWait([&] { feed.emplace(bench.system.Alerts((*ends)["deadline-monitor"])); });
  std::vector<Task<void>> parts;
  parts.push_back(flags.Watch(*std::move(feed), over.token()));
  parts.push_back(filing.Run(stop));
  parts.push_back(Conduct(bench, moment, flags, filing, stop, over));
  SyncWait(bench.loop, async::WhenAll(std::move(parts)));
  const absl::Duration took = absl::Now() - start;
  absl::StatusOr<Reading> after = bench.Read();
  if (!after.ok()) return after.status();
  if (!filing.status.ok()) return filing.status;
  if (!flags.status.ok()) return flags.status;
  absl::StatusOr<uint64_t> overdue_after = SyncWait(bench.loop, bench.system.EverOverdue());
  if (!overdue_after.ok()) return overdue_after.status();

  Report& steady = report["filing at half of it, with the storm"];
  steady["per_second"] = static_cast<double>(filing.filed) / absl::ToDoubleSeconds(took);
  AddCosts(*before, *after, filing.filed, steady);
  report["filing p99 ms"] = {{"before the storm", Millis(filing.before, 0.99)},
                             {"during it", Millis(filing.during, 0.99)}};
  report["flags"] = {{"due", settings.due},
                     {"flagged", flags.flagged},
                     {"flagged again", flags.again},
                     {"too early", flags.early},
                     {"of another moment", flags.otherwise_due},
                     {"by the monitor's figures", *overdue_after - *overdue_before}};
  report["lateness of the flags, ms"] = {{"p50", Millis(flags.lateness, 0.5)},
                                         {"p99", Millis(flags.lateness, 0.99)},
                                         {"max", Millis(flags.lateness, 1)}};
  const bool once = flags.all() && flags.again == 0 && flags.early == 0 && flags.otherwise_due == 0 &&
                    *overdue_after - *overdue_before == settings.due;
  if (!once)
    return errors::Internal("BENCH", absl::StrCat("not all were flagged once: ", report["flags"].dump()));
  return absl::OkStatus();
}

}  // namespace motcua::bench
