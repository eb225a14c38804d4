// Promises of the metrics: what is counted is exported under its name, over HTTP too.
#include "common/telemetry/metrics.h"

#include <curl/curl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/telemetry/exposer.h"

namespace motcua::telemetry {
namespace {

using ::testing::HasSubstr;

size_t Append(char* data, size_t size, size_t count, void* text) {
  static_cast<std::string*>(text)->append(data, size * count);
  return size * count;
}

std::string Get(const std::string& url) {
  std::string text;
  CURL* curl = curl_easy_init();
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, 10L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, Append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &text);
  EXPECT_EQ(curl_easy_perform(curl), CURLE_OK);
  curl_easy_cleanup(curl);
  return text;
}

TEST(Metrics, WhatIsCountedIsExported) {
  PrometheusMetrics metrics;
  Counter& ok = metrics.MakeCounter("motcua_commits_total", "Commits.", {{"result", "ok"}});
  ok.Add(2);
  metrics.MakeCounter("motcua_commits_total", "Commits.", {{"result", "ok"}}).Add(1);
  metrics.MakeCounter("motcua_commits_total", "Commits.", {{"result", "conflict"}}).Add(1);
  metrics.MakeGauge("motcua_ready", "Ready.").Set(1);
  metrics.MakeHistogram("motcua_rpc_seconds", "Time.", {{"method", "File"}}, {0.1, 1}).Observe(0.5);
  EXPECT_EQ(ok.value(), 3);
  std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("motcua_commits_total{result=\"ok\"} 3"));
  EXPECT_THAT(text, HasSubstr("motcua_commits_total{result=\"conflict\"} 1"));
  EXPECT_THAT(text, HasSubstr("motcua_ready 1"));
  EXPECT_THAT(text, HasSubstr("motcua_rpc_seconds_bucket{method=\"File\",le=\"0.1\"} 0"));
  EXPECT_THAT(text, HasSubstr("motcua_rpc_seconds_bucket{method=\"File\",le=\"1\"} 1"));
}

TEST(Metrics, AReferenceOutlivesThoseMadeLater) {
  PrometheusMetrics metrics;
  Counter& first = metrics.MakeCounter("motcua_first_total", "First.");
  for (int i = 0; i < 1000; ++i) metrics.MakeCounter("motcua_more_total", "More.", {{"n", absl::StrCat(i)}});
  first.Add(1);
  EXPECT_THAT(metrics.Text(), HasSubstr("motcua_first_total 1"));
}

TEST(Metrics, InertOnesCountNothing) {
  InertMetrics metrics;
  metrics.MakeCounter("a", "b").Add(1);
  metrics.MakeGauge("a", "b").Set(1);
  metrics.MakeHistogram("a", "b").Observe(1);
  EXPECT_EQ(metrics.MakeCounter("a", "b").value(), 0);
}

TEST(Exposer, ServesOverHttp) {
  PrometheusMetrics metrics;
  metrics.MakeCounter("motcua_commits_total", "Commits.").Add(5);
  auto exposer = Exposer::Start("127.0.0.1:0", metrics);
  ASSERT_TRUE(exposer.ok()) << exposer.status();
  std::string address = absl::StrCat("127.0.0.1:", (*exposer)->port());
  const std::string text = Get(absl::StrCat("http://", address, "/metrics"));
  EXPECT_THAT(text, HasSubstr("motcua_commits_total 5"));
  EXPECT_FALSE(Exposer::Start(address, metrics).ok()) << "taken";
}

double ValueOf(const std::string& text, const std::string& name) {
  const size_t line = text.find("\n" + name + " ");
  EXPECT_NE(line, std::string::npos) << name;
  return line == std::string::npos ? 0 : std::strtod(text.c_str() + line + 2 + name.size(), nullptr);
}

TEST(Exposer, TellsOfTheProcess) {
  PrometheusMetrics metrics;
  auto exposer = Exposer::Start("127.0.0.1:0", metrics);
  ASSERT_TRUE(exposer.ok()) << exposer.status();
  const std::string url = absl::StrCat("http://127.0.0.1:", (*exposer)->port(), "/metrics");
  const std::string text = Get(url);
  EXPECT_GT(ValueOf(text, "process_resident_memory_bytes"), 1e6);
  EXPECT_LT(ValueOf(text, "process_resident_memory_bytes"), 1e11);
  EXPECT_GE(ValueOf(text, "process_cpu_seconds_total"), 0);
  const double now = absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch());
  EXPECT_NEAR(ValueOf(text, "process_start_time_seconds"), now, 600);
  const double files = ValueOf(text, "process_open_fds");
  const int descriptor = dup(STDOUT_FILENO);
  EXPECT_GE(ValueOf(Get(url), "process_open_fds"), files + 1) << "both scrapes have one connection";
  close(descriptor);
}

}  // namespace
}  // namespace motcua::telemetry
