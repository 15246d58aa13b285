/*
 * The kernel's loop over the benched configuration (kernel-records.ts), in C: what the machine gives
 * to somebody who writes just this and nothing else. Same records (the generator of
 * src/probe/random.ts, written twice), same index, same 64-byte rows, same passes over batches of
 * 1,000: hash, home, probe, verify, periods, `where` masks, update, thresholds, latches, page flags.
 * The sums at the end tell whether both sides did the same work.
 *
 * Built and asked by reference.ts: reference SUBSCRIBERS FIRST TIME_MS, then a command per line:
 *   fill          a record for every subscriber, tags every fifth; prints nanoseconds
 *   round N       N batches of random subscribers; prints nanoseconds of the kernel alone
 *   resolve N     N batches looked up only; prints nanoseconds
 *   ahead N       as round, but one loop that asks for memory ahead (no JavaScript can)
 *   sums          prints candidates, subscribers, and the sums of the four counters
 */

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { BATCH = 1000, TRIGGERS = 10, SLOT_BITS = 27, RUN_OUT = 4096, PAGE_SHIFT = 8, SEED_EVERY = 5 };
enum { DATA = 1, OTT = 2, SEED = 1, LATCH = 1, OWN_PERIODS = 0x1fff };
static const double DAY_MS = 86400000.0, OFFSET_MS = 8 * 3600000.0;

typedef struct {
  double subscriber;
  /* bits: a flag for the tag, then the latches of the month of latch_month. */
  int32_t meta, ledger, bits, latch_month, day, month;
  double data_day, data_month, ott_day, ott_month;
} Row;
_Static_assert(sizeof(Row) == 64, "a row is a cache line");

static Row *rows;
static uint8_t *page_flags;
static int32_t *entries;
static int shift;
static int64_t row_count, subscriber_count, candidates, strays;
static double first_subscriber, time_ms;

static double subscribers[BATCH], usage_bytes[BATCH], times_ms[BATCH];
static uint8_t rats[BATCH], kinds[BATCH];
static uint16_t apps[BATCH];
static int32_t hashes[BATCH], found[BATCH], slots[BATCH], masks[BATCH], days[BATCH], months[BATCH];

static uint32_t ra, rb, rc, counter;

static uint32_t next(void) {
  uint32_t sum = ra + rb + counter++;
  ra = rb ^ (rb >> 9);
  rb = rc + (rc << 3);
  rc = ((rc << 21) | (rc >> 11)) + sum;
  return sum;
}

/* Zeroed memory on huge pages where the machine has them. */
static void *take(size_t size) {
  size_t whole = (size + (1 << 21) - 1) >> 21 << 21;
  void *memory = aligned_alloc(1 << 21, whole);
  if (memory == NULL) exit(3);
  madvise(memory, whole, MADV_HUGEPAGE);
  memset(memory, 0, whole);
  return memory;
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void generate(int count, int64_t ascending) {
  for (int i = 0; i < count; i++) {
    double place = ascending >= 0 ? (double)(ascending + i)
                                  : floor(next() * 0x1p-32 * (double)subscriber_count);
    uint32_t bits = next();
    uint32_t size = next();
    subscribers[i] = first_subscriber + place;
    usage_bytes[i] = (double)((size & 0xffff) + 1) * (1 << (__builtin_clz(size | 1) * 3 >> 2));
    times_ms[i] = time_ms - (bits >> 20);
    rats[i] = (bits & 0x7000) == 0 ? 3 : 6;
    apps[i] = (bits >> 15) & 31;
    kinds[i] = 0;
  }
}

static inline int32_t hash_of(double subscriber) {
  uint64_t bits;
  memcpy(&bits, &subscriber, 8);
  uint32_t hash = ((uint32_t)bits * 0xcc9e2d51u) ^ ((uint32_t)(bits >> 32) * 0x1b873593u);
  hash ^= hash >> 16;
  hash *= 0x85ebca6bu;
  hash ^= hash >> 13;
  hash *= 0xc2b2ae35u;
  return (int32_t)(hash ^ (hash >> 16));
}

static int32_t find_or_add(double subscriber) {
  uint32_t hash = (uint32_t)hash_of(subscriber);
  uint32_t position = hash >> shift;
  for (; entries[position] != 0; position++) {
    int32_t slot = (entries[position] & ((1 << SLOT_BITS) - 1)) - 1;
    if (rows[slot].subscriber == subscriber) return slot;
  }
  entries[position] = (int32_t)(hash << SLOT_BITS | (uint32_t)(row_count + 1));
  rows[row_count].subscriber = subscriber;
  page_flags[row_count >> PAGE_SHIFT] = 1;
  return (int32_t)row_count++;
}

/* The first entry from its home on with the hash's tag, or 0. */
static inline int32_t probe(int32_t entry, uint32_t hash) {
  uint32_t tag = hash << SLOT_BITS, position = hash >> shift;
  while (entry != 0 && ((uint32_t)entry >> SLOT_BITS << SLOT_BITS) != tag) {
    entry = entries[++position];
  }
  return entry;
}

static void resolve(int count) {
  for (int i = 0; i < count; i++) hashes[i] = hash_of(subscribers[i]);
  for (int i = 0; i < count; i++) found[i] = entries[(uint32_t)hashes[i] >> shift];
  for (int i = 0; i < count; i++) found[i] = probe(found[i], (uint32_t)hashes[i]);
  for (int i = 0; i < count; i++) {
    int32_t slot = (found[i] & ((1 << SLOT_BITS) - 1)) - 1;
    slots[i] = found[i] != 0 && rows[slot].subscriber == subscribers[i] ? slot : -1;
  }
  for (int i = 0; i < count; i++)
    if (slots[i] == -1) slots[i] = find_or_add(subscribers[i]);
}

/* Month key (months since January 1970) of a day number. */
static int32_t month_of(int32_t day) {
  int64_t shifted = (int64_t)day + 719468, era = shifted / 146097, of_era = shifted - era * 146097;
  int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int64_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
  int64_t civil = month < 10 ? month + 3 : month - 9;
  return (int32_t)((year + era * 400 + (civil <= 2) - 1970) * 12 + civil - 1);
}

static void fill_periods(int count) {
  double from_ms = INFINITY, to_ms = -INFINITY;
  int32_t day = 0, month = 0;
  for (int i = 0; i < count; i++) {
    if (times_ms[i] < from_ms || times_ms[i] >= to_ms) {
      day = (int32_t)floor((times_ms[i] + OFFSET_MS) / DAY_MS);
      month = month_of(day);
      from_ms = day * DAY_MS - OFFSET_MS;
      to_ms = from_ms + DAY_MS;
    }
    days[i] = day;
    months[i] = month;
  }
}

static void fill_masks(int count) {
  for (int i = 0; i < count; i++) {
    int rat = rats[i], app = apps[i];
    masks[i] = (kinds[i] == 0 && (rat == 1 || rat == 5 || rat == 6) ? DATA : 0) |
               (app >= 1 && app <= 4 ? OTT : 0);
  }
}

static void fire(Row *row, int trigger, int32_t month) {
  if (row->latch_month < month) row->bits &= (1 << LATCH) - 1;
  row->latch_month = month;
  row->bits |= 1 << (LATCH + trigger);
  candidates++;
}

#define MB 1e6
#define JUDGE(trigger, where, value, threshold)                                          \
  if ((mask & (where)) != 0 && (value) >= (threshold) && (row->bits & SEED) != 0 &&       \
      (row->latch_month < month || (row->bits >> (LATCH + (trigger)) & 1) == 0))          \
  fire(row, trigger, month)

static inline void update(int32_t slot, int32_t mask, int32_t day, int32_t month, double bytes) {
  Row *row = &rows[slot];
  int64_t page = slot >> PAGE_SHIFT;
  if (page_flags[page] != 1) page_flags[page] = 1;
  if ((row->meta & OWN_PERIODS) != 0) strays++;
  if (row->day != day) {
    if (row->day > day) { strays++; return; }
    row->day = day;
    row->data_day = row->ott_day = 0;
  }
  if (row->month != month) {
    if (row->month > month) { strays++; return; }
    row->month = month;
    row->data_month = row->ott_month = 0;
  }
  if (mask == 0) return;
  if ((mask & DATA) != 0) {
    row->data_day += bytes;
    row->data_month += bytes;
  }
  if ((mask & OTT) != 0) {
    row->ott_day += bytes;
    row->ott_month += bytes;
  }
  JUDGE(0, DATA, row->data_day, 2 * MB);
  JUDGE(1, DATA, row->data_day, 4 * MB);
  JUDGE(2, DATA, row->data_day, 6 * MB);
  JUDGE(3, DATA, row->data_month, 8 * MB);
  JUDGE(4, DATA, row->data_month, 10 * MB);
  JUDGE(5, OTT, row->ott_day, 2 * MB);
  JUDGE(6, OTT, row->ott_day, 4 * MB);
  JUDGE(7, OTT, row->ott_day, 6 * MB);
  JUDGE(8, OTT, row->ott_month, 8 * MB);
  JUDGE(9, OTT, row->ott_month, 10 * MB);
}

static void apply(int count) {
  resolve(count);
  fill_periods(count);
  fill_masks(count);
  for (int i = 0; i < count; i++) update(slots[i], masks[i], days[i], months[i], usage_bytes[i]);
}

/* One loop: the home of record i + 32 and the row of record i + 16 are on their way meanwhile. */
static void apply_ahead(int count) {
  fill_periods(count);
  fill_masks(count);
  for (int i = 0; i < count + 32; i++) {
    if (i < count) {
      hashes[i] = hash_of(subscribers[i]);
      __builtin_prefetch(&entries[(uint32_t)hashes[i] >> shift]);
    }
    int verified = i - 16, updated = i - 32;
    if (verified >= 0 && verified < count) {
      uint32_t hash = (uint32_t)hashes[verified];
      found[verified] = probe(entries[hash >> shift], hash);
      int32_t entry = found[verified];
      const char *row = (char *)&rows[(entry & ((1 << SLOT_BITS) - 1)) - (entry != 0)];
      __builtin_prefetch(row, 1);
    }
    if (updated < 0) continue;
    int32_t slot = (found[updated] & ((1 << SLOT_BITS) - 1)) - 1;
    if (slot < 0 || rows[slot].subscriber != subscribers[updated]) {
      slot = find_or_add(subscribers[updated]);
    }
    update(slot, masks[updated], days[updated], months[updated], usage_bytes[updated]);
  }
}

static int64_t fill(void) {
  int64_t spent = 0;
  for (int64_t from = 0; from < subscriber_count; from += BATCH) {
    int64_t left = subscriber_count - from;
    int count = left < BATCH ? (int)left : BATCH;
    generate(count, from);
    int64_t start = now_ns();
    apply(count);
    spent += now_ns() - start;
  }
  for (int64_t slot = 0; slot < row_count; slot += SEED_EVERY) rows[slot].bits |= SEED;
  return spent;
}

static int64_t rounds(long batches, void (*pass)(int)) {
  int64_t spent = 0;
  for (long batch = 0; batch < batches; batch++) {
    generate(BATCH, -1);
    int64_t start = now_ns();
    pass(BATCH);
    spent += now_ns() - start;
  }
  return spent;
}

static void print_sums(void) {
  double sums[4] = {0, 0, 0, 0};
  for (int64_t slot = 0; slot < row_count; slot++) {
    sums[0] += rows[slot].data_day;
    sums[1] += rows[slot].data_month;
    sums[2] += rows[slot].ott_day;
    sums[3] += rows[slot].ott_month;
  }
  printf("[%lld,%lld,%.0f,%.0f,%.0f,%.0f]\n", (long long)candidates, (long long)row_count, sums[0],
         sums[1], sums[2], sums[3]);
}

int main(int argument_count, char **arguments) {
  if (argument_count != 4) return 2;
  subscriber_count = atoll(arguments[1]);
  first_subscriber = atof(arguments[2]);
  time_ms = atof(arguments[3]);
  int bits = 10;
  while (ldexp(1, bits) * 0.6 < (double)subscriber_count) bits++;
  shift = 32 - bits;
  entries = take(sizeof(int32_t) * (((size_t)1 << bits) + RUN_OUT));
  rows = take(sizeof(Row) * (size_t)(subscriber_count + 1));
  page_flags = take((size_t)(subscriber_count >> PAGE_SHIFT) + 1);
  rb = 1;
  rc = 0x9e3779b9u;
  counter = 1;
  for (int i = 0; i < 15; i++) next();
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    long batches = 0;
    if (strcmp(line, "sums\n") == 0) {
      print_sums();
    } else if (strcmp(line, "fill\n") == 0) {
      printf("%lld\n", (long long)fill());
    } else if (sscanf(line, "round %ld", &batches) == 1) {
      printf("%lld\n", (long long)rounds(batches, apply));
    } else if (sscanf(line, "resolve %ld", &batches) == 1) {
      printf("%lld\n", (long long)rounds(batches, resolve));
    } else if (sscanf(line, "ahead %ld", &batches) == 1) {
      printf("%lld\n", (long long)rounds(batches, apply_ahead));
    } else {
      return 2;
    }
    fflush(stdout);
  }
  return strays == 0 ? 0 : 4;
}
