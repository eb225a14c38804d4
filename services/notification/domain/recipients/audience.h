// Who is told: from audiences of the reference data to recipients.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/reference/catalogue.h"
#include "motcua/internal/notification/records.pb.h"
#include "motcua/notification/v1/message.pb.h"

namespace motcua::notification {

struct Addressee {
  Addressee(std::string recipient, internal::notification::Audience audience)
      : recipient(std::move(recipient)), audience(audience) {}

  friend bool operator==(const Addressee&, const Addressee&) = default;

  // `agency:<id>` or an officer's id; empty = the applicant.
  std::string recipient;
  internal::notification::Audience audience;
};

// Collects addressees, each recipient once, in the capacity in which it was named first.
//
//  applicant          the applicant
//  holder             the inbox of the holder
//  holder-leader      the leaders of the holder; its inbox where it has none
//  receiving-leader   the leaders of the receiving agency; its inbox where it has none
//  committee-leader   the leaders of the nearest agency above the holder whose kind is `committee` (where
//  there is none:
//                     the holder itself); its inbox where it has none
//
// Where an agency has ended, the one that continues its work is told in its place.
//
// An agency that the reference data (not yet, or no longer) know is told by its inbox: no message is lost
// because this service's copy of them lags.
class Circle {
 public:
  // `at`: the moment of what they are told.
  Circle(const reference::Catalogue& catalogue, absl::Time at, std::string_view holder,
         std::string_view receiving)
      : catalogue_(catalogue), at_(at), holder_(InCharge(holder)), receiving_(InCharge(receiving)) {}

  void Add(internal::notification::Audience audience);
  // The inbox of an agency, told as `holder`.
  void AddAgency(std::string_view agency);

  const std::vector<Addressee>& addressees() const { return addressees_; }

 private:
  std::string InCharge(std::string_view agency) const;
  void AddOnce(std::string recipient, internal::notification::Audience audience);
  void AddLeaders(std::string_view agency, internal::notification::Audience audience);

  const reference::Catalogue& catalogue_;
  const absl::Time at_;
  const std::string holder_;
  const std::string receiving_;
  std::vector<Addressee> addressees_;
};

}  // namespace motcua::notification
