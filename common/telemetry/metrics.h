// Metrics: counters, gauges and histograms by name, exported to Prometheus or, in tests, to nowhere.
//
//   telemetry::Counter& commits = metrics.MakeCounter("motcua_commits_total", "Commits by result.", {{"result", "ok"}});
//   commits.Add(1);
//
// Names: `motcua_` prefix, unit last (`_seconds`, `_bytes`), `_total` on counters. Labels have few values: service,
// method, code; never ids. Making a metric takes a lock, so make it once and keep the reference, which lives as
// long as the Metrics; the same name and labels give the same metric. Using one is lock-free. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace prometheus {
class Registry;
}

namespace motcua::telemetry {

using Labels = std::map<std::string, std::string>;

class Counter {
 public:
  virtual ~Counter() = default;
  virtual void Add(double amount) = 0;
  virtual double value() const = 0;
};

class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void Set(double value) = 0;
  virtual double value() const = 0;
};

class Histogram {
 public:
  virtual ~Histogram() = default;
  virtual void Observe(double value) = 0;
};

// Seconds, from 0.5 ms to 10 s.
const std::vector<double>& LatencyBuckets();

class Metrics {
 public:
  virtual ~Metrics() = default;
  virtual Counter& MakeCounter(const std::string& name, const std::string& help, const Labels& labels = {}) = 0;
  virtual Gauge& MakeGauge(const std::string& name, const std::string& help, const Labels& labels = {}) = 0;
  virtual Histogram& MakeHistogram(const std::string& name, const std::string& help, const Labels& labels = {},
                                   const std::vector<double>& buckets = LatencyBuckets()) = 0;
};

// Kept by prometheus-cpp.
class PrometheusMetrics final : public Metrics {
 public:
  PrometheusMetrics();
  ~PrometheusMetrics() override;
  Counter& MakeCounter(const std::string& name, const std::string& help, const Labels& labels = {}) override;
  Gauge& MakeGauge(const std::string& name, const std::string& help, const Labels& labels = {}) override;
  Histogram& MakeHistogram(const std::string& name, const std::string& help, const Labels& labels = {},
                           const std::vector<double>& buckets = LatencyBuckets()) override;

  const std::shared_ptr<prometheus::Registry>& registry() const;
  // The text that a scrape would get.
  std::string Text() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// Counts nothing.
class InertMetrics final : public Metrics {
 public:
  Counter& MakeCounter(const std::string&, const std::string&, const Labels& = {}) override;
  Gauge& MakeGauge(const std::string&, const std::string&, const Labels& = {}) override;
  Histogram& MakeHistogram(const std::string&, const std::string&, const Labels& = {},
                           const std::vector<double>& = LatencyBuckets()) override;
};

}  // namespace motcua::telemetry
