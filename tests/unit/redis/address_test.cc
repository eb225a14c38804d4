// What an address of Redis may be.
#include "common/redis/address.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace motcua::redis {
namespace {

std::string Told(const std::string& text) {
  const absl::StatusOr<Deployment> parsed = ParseDeployment(text);
  if (!parsed.ok()) return "!" + std::string(parsed.status().message());
  std::string told = parsed->engine == Engine::kServer     ? "server"
                     : parsed->engine == Engine::kSentinel ? "sentinel " + parsed->primary
                                                           : "cluster";
  if (!parsed->user.empty()) told += " as " + parsed->user;
  for (const Address& address : parsed->addresses) told += " " + address.ToString();
  return told;
}

TEST(AddressTest, EachFormIsTakenApart) {
  struct Case {
    std::string text;
    std::string told;
  };
  const std::vector<Case> cases = {
      {"127.0.0.1:6379", "server 127.0.0.1:6379"},
      {"redis.example:7000", "server redis.example:7000"},
      {"[::1]:6379", "server [::1]:6379"},
      {"unix:/run/redis.sock", "server unix:/run/redis.sock"},
      {"redis://redis", "server redis:6379"},
      {"redis://redis:7000", "server redis:7000"},
      {"redis://[fe80::1]", "server [fe80::1]:6379"},
      {"redis://[fe80::1]:7000", "server [fe80::1]:7000"},
      {"redis://intake@redis:7000", "server as intake redis:7000"},
      {"sentinel://motcua@a", "sentinel motcua a:26379"},
      {"sentinel://motcua@a:1,b,[::1]:3", "sentinel motcua a:1 b:26379 [::1]:3"},
      {"cluster://a", "cluster a:6379"},
      {"cluster://a:1,b,[::1]", "cluster a:1 b:6379 [::1]:6379"},
  };
  for (const Case& each : cases) EXPECT_EQ(Told(each.text), each.told) << each.text;
}

TEST(AddressTest, WhatIsNoneSaysWhy) {
  struct Case {
    std::string text;
    std::string why;
  };
  const std::vector<Case> cases = {
      {"", "must be host:port, unix:/path, redis://, sentinel:// or cluster://"},
      {"redis", "must be host:port, unix:/path, redis://, sentinel:// or cluster://"},
      {":6379", "must be host:port, unix:/path, redis://, sentinel:// or cluster://"},
      {"http://redis:80", "must be host:port, unix:/path, redis://, sentinel:// or cluster://"},
      {"host:", "the port must be a number from 1 to 65535"},
      {"fe80::1:6379", "an IPv6 address stands in brackets, as in [::1]:6379"},
      {"unix:", "the socket's path must begin with /, as in unix:/run/motcua.sock"},
      {"unix:run", "the socket's path must begin with /, as in unix:/run/motcua.sock"},
      {"unix:/" + std::string(107, 'x'), "the path of a socket has at most 107 bytes"},
      {"redis://", "a host is missing"},
      {"redis://:6379", "a host is missing"},
      {"redis://@redis", "the user before @ is missing"},
      {"redis://user:secret@redis", "a password does not belong into an address: give it in a file"},
      {"redis://redis/0", "nothing may follow the port: there is one database"},
      {"redis://redis:6379/0", "nothing may follow the port: there is one database"},
      {"redis://a,b", "redis:// names one server; several are sentinel:// or cluster://"},
      {"rediss://redis", "rediss:// (TLS) is not spoken: use redis:// in a network of its own"},
      {"sentinel://a,b,c", "must name the primary, as in sentinel://motcua@host1,host2,host3"},
      {"sentinel://@a", "must name the primary, as in sentinel://motcua@host1,host2,host3"},
      {"sentinel://motcua@", "a host is missing"},
      {"sentinel://motcua@a,,b", "a host is missing"},
      {"sentinel://motcua@a,b@c", "a user stands before redis://'s host alone"},
      {"cluster://", "a host is missing"},
      {"cluster://user@a", "a user stands before redis://'s host alone"},
  };
  for (const Case& each : cases) EXPECT_EQ(Told(each.text), "!" + each.why) << each.text;
}

}  // namespace
}  // namespace motcua::redis
