#include "common/telemetry/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <deque>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace motcua::telemetry {
namespace {

class PrometheusCounter final : public Counter {
 public:
  explicit PrometheusCounter(prometheus::Counter& counter) : counter_(counter) {}
  void Add(double amount) override { counter_.Increment(amount); }
  double value() const override { return counter_.Value(); }

 private:
  prometheus::Counter& counter_;
};

class PrometheusGauge final : public Gauge {
 public:
  explicit PrometheusGauge(prometheus::Gauge& gauge) : gauge_(gauge) {}
  void Set(double value) override { gauge_.Set(value); }
  double value() const override { return gauge_.Value(); }

 private:
  prometheus::Gauge& gauge_;
};

class PrometheusHistogram final : public Histogram {
 public:
  explicit PrometheusHistogram(prometheus::Histogram& histogram) : histogram_(histogram) {}
  void Observe(double value) override { histogram_.Observe(value); }

 private:
  prometheus::Histogram& histogram_;
};

class InertCounter final : public Counter {
 public:
  void Add(double) override {}
  double value() const override { return 0; }
};
class InertGauge final : public Gauge {
 public:
  void Set(double) override {}
  double value() const override { return 0; }
};
class InertHistogram final : public Histogram {
 public:
  void Observe(double) override {}
};

}  // namespace

const std::vector<double>& LatencyBuckets() {
  static const auto* buckets = new std::vector<double>{0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05,
                                                       0.1,    0.2,   0.5,   1,     2,    5,    10};
  return *buckets;
}

// Deques, because references into them must survive growth.
struct PrometheusMetrics::Parts {
  std::shared_ptr<prometheus::Registry> registry =
      std::make_shared<prometheus::Registry>(prometheus::Registry::InsertBehavior::Merge);
  absl::Mutex mutex;
  std::deque<PrometheusCounter> counters ABSL_GUARDED_BY(mutex);
  std::deque<PrometheusGauge> gauges ABSL_GUARDED_BY(mutex);
  std::deque<PrometheusHistogram> histograms ABSL_GUARDED_BY(mutex);
};

PrometheusMetrics::PrometheusMetrics() : parts_(std::make_unique<Parts>()) {}
PrometheusMetrics::~PrometheusMetrics() = default;

Counter& PrometheusMetrics::MakeCounter(const std::string& name, const std::string& help, const Labels& labels) {
  absl::MutexLock lock(&parts_->mutex);
  return parts_->counters.emplace_back(
      prometheus::BuildCounter().Name(name).Help(help).Register(*parts_->registry).Add(labels));
}

Gauge& PrometheusMetrics::MakeGauge(const std::string& name, const std::string& help, const Labels& labels) {
  absl::MutexLock lock(&parts_->mutex);
  return parts_->gauges.emplace_back(
      prometheus::BuildGauge().Name(name).Help(help).Register(*parts_->registry).Add(labels));
}

Histogram& PrometheusMetrics::MakeHistogram(const std::string& name, const std::string& help, const Labels& labels,
                                            const std::vector<double>& buckets) {
  absl::MutexLock lock(&parts_->mutex);
  return parts_->histograms.emplace_back(
      prometheus::BuildHistogram().Name(name).Help(help).Register(*parts_->registry).Add(labels, buckets));
}

const std::shared_ptr<prometheus::Registry>& PrometheusMetrics::registry() const { return parts_->registry; }

std::string PrometheusMetrics::Text() const {
  return prometheus::TextSerializer().Serialize(parts_->registry->Collect());
}

Counter& InertMetrics::MakeCounter(const std::string&, const std::string&, const Labels&) {
  static InertCounter counter;
  return counter;
}

Gauge& InertMetrics::MakeGauge(const std::string&, const std::string&, const Labels&) {
  static InertGauge gauge;
  return gauge;
}

Histogram& InertMetrics::MakeHistogram(const std::string&, const std::string&, const Labels&,
                                       const std::vector<double>&) {
  static InertHistogram histogram;
  return histogram;
}

}  // namespace motcua::telemetry
