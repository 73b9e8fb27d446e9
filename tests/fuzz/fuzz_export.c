/* Any bytes as the file of `imprint ledger export`: what both readers of it say. `ledger verify`
 * checks more than `source` does, so what it takes, source takes; and source never counts more
 * entries than the head names, nor calls back one that is out of order. */
#include "cloud/ledger/source.h"
#include "hsm/command/command.h"
#include "tests/fuzz/silent.h"

#include <assert.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	uint64_t count;
};

static bool take_entry(void *context, const struct entry *entry, struct err *e)
{
	struct seen *seen = context;
	char unit[NAME_MAX_LEN + 1];

	(void)e;
	assert(entry->number == ++seen->count);
	assert(entry->unit.len <= NAME_MAX_LEN);
	source_name(entry->unit, unit);
	return true;
}

static bool take_again(void *context, const struct entry *entry, struct err *e)
{
	struct seen *seen = context;

	(void)e;
	assert(entry->number > seen->count);
	seen->count = entry->number;
	return true;
}

static bool is_odd(void *context, uint64_t number)
{
	(void)context;
	return number % 2;
}

static bool read_source(const char *path)
{
	struct seen seen = { 0 }, odd = { 0 };
	AUTO(source) source = NULL;
	struct err e = { 0 };

	if (!source_open(path, &source, &e) || !source_read(source, take_entry, &seen, &e)) {
		assert(e.code && *e.text);
		return false;
	}
	assert(seen.count == source_head(source)->size);
	assert(source_read(source, take_entry, &(struct seen) { 0 }, &e));
	assert(source_again(source, is_odd, take_again, &odd, &e));
	assert(odd.count + (seen.count % 2 == 0) == seen.count);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arguments verify = { 0 };
	AUTO(fd) fd = memfd_create("export", MFD_CLOEXEC);
	char path[32];
	bool taken;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	taken = read_source(path);
	verify.export_file = path;
	assert(verify_command(&verify) != 0 || taken);
	return 0;
}
