#pragma once

#include <cstdint>

#include "common/store/definition.h"
#include "common/store/store.h"
#include "common/store/transaction.h"

namespace motcua::store {

// Adds to `tx` what a record's change means for indexes, and to the sums of `scratch` what it means for
// counters. `before`: nullptr where there was no record; `definition`: by which its entries were written:
// those of the phase's newest definition are new where it is another.
void WriteEntries(const RecordKind& kind, const google::protobuf::MessageLite* before, uint16_t definition,
                  const google::protobuf::MessageLite& after, const Phase& phase, Store::Scratch& scratch,
                  Transaction& tx);

// Adds the sums to `tx`. Several records, and several parts of one, count for the same counters.
void WriteCounters(const Phase& phase, Store::Scratch& scratch, Transaction& tx);

}  // namespace motcua::store
