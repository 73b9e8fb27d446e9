#include "tests/rig/boards_vflash.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ERASE_PAGE_NS 20000000
#define PROGRAM_BLOCK_NS 160000 /* 4 words */
#define SLOT(number) VFLASH_SLOTS + (number)*VFLASH_SLOT_SIZE, VFLASH_SLOT_SIZE

const struct agent_slot vflash_slots[VFLASH_SLOT_COUNT] = {
	{ "certificate", SLOT(0) }, { "issuer", SLOT(1) }, { "chain", SLOT(2) },
	{ "root", SLOT(3) },	    { "bundle", SLOT(4) },
};

struct vflash {
	uint8_t *data;
	bool takes_time;
};

static bool inside(uint32_t address, size_t len)
{
	return address <= VFLASH_SIZE && len <= VFLASH_SIZE - address;
}

static uint32_t header_len(const uint8_t *header)
{
	return (uint32_t)header[4] << 24 | (uint32_t)header[5] << 16 | (uint32_t)header[6] << 8 |
	       header[7];
}

static void make_blank(uint8_t *data, const char *unit)
{
	memset(data, 0xff, VFLASH_SIZE);
	memcpy(data + STORE_HEADER_SIZE, unit, strlen(unit));
	memset(data + 4, 0, 3);
	data[7] = (uint8_t)strlen(unit);
	memcpy(data, "IMPB", 4);
}

static bool map(const char *path, int flags, int protection, uint8_t **ret_data, bool *ret_new,
		struct err *e)
{
	AUTO(fd) fd = open(path, flags | O_CLOEXEC, 0644);
	struct stat status;
	void *data;

	if (fd < 0 || fstat(fd, &status) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot open %s", path);
	*ret_new = status.st_size == 0;
	if (*ret_new && flags & O_CREAT && ftruncate(fd, VFLASH_SIZE) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot make %s", path);
	if (status.st_size != VFLASH_SIZE && !(*ret_new && flags & O_CREAT))
		return err_set(e, ERR_INVALID, "%s is no flash file: it must have %d bytes", path,
			       VFLASH_SIZE);
	data = mmap(NULL, VFLASH_SIZE, protection, MAP_SHARED, fd, 0);
	if (data == MAP_FAILED)
		return err_errno(e, ERR_SYSTEM, "cannot map %s", path);
	*ret_data = data;
	return true;
}

bool vflash_open(const char *path, const char *unit, struct vflash **ret_flash, struct err *e)
{
	AUTO(vflash) flash = calloc(1, sizeof(*flash));
	bool is_new;

	if (!flash)
		return err_errno(e, ERR_SYSTEM, "no memory for a flash");
	if (!map(path, O_RDWR | O_CREAT, PROT_READ | PROT_WRITE, &flash->data, &is_new, e))
		return false;
	if (is_new)
		make_blank(flash->data, unit);
	if (memcmp(flash->data, "IMPB", 4) != 0 || header_len(flash->data) > AGENT_UNIT_MAX)
		return err_set(e, ERR_INVALID, "%s is no flash file of a virtual board", path);
	*ret_flash = TAKE(flash);
	return true;
}

void vflash_close(struct vflash *flash)
{
	if (!flash)
		return;
	if (flash->data)
		munmap(flash->data, VFLASH_SIZE);
	free(flash);
}

void vflash_unit(const struct vflash *flash, char ret_unit[AGENT_UNIT_MAX + 1])
{
	uint32_t len = header_len(flash->data);

	memcpy(ret_unit, flash->data + STORE_HEADER_SIZE, len);
	ret_unit[len] = '\0';
}

bool vflash_read(const struct vflash *flash, uint32_t address, uint8_t *ret_data, size_t len)
{
	if (!inside(address, len))
		return false;
	memcpy(ret_data, flash->data + address, len);
	return true;
}

void vflash_take_time(struct vflash *flash)
{
	flash->takes_time = true;
}

static void take_time(const struct vflash *flash, long duration_ns)
{
	const struct timespec duration = { 0, duration_ns };

	if (flash->takes_time)
		nanosleep(&duration, NULL);
}

bool vflash_erase(struct vflash *flash, uint32_t address, uint32_t len)
{
	if (!inside(address, len) || address % VFLASH_PAGE || len % VFLASH_PAGE)
		return false;
	for (; len > 0; address += VFLASH_PAGE, len -= VFLASH_PAGE) {
		take_time(flash, ERASE_PAGE_NS);
		memset(flash->data + address, 0xff, VFLASH_PAGE);
	}
	return true;
}

/* A bit that would have to rise is a mistake of the firmware: real flash reports it as well. */
bool vflash_program(struct vflash *flash, uint32_t address, const uint8_t *data, size_t len)
{
	bool rises = false;

	if (!inside(address, len) || address % STORE_HEADER_SIZE || len % STORE_HEADER_SIZE)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (i % STORE_HEADER_SIZE == 0)
			take_time(flash, PROGRAM_BLOCK_NS);
		rises |= (data[i] & ~flash->data[address + i]) != 0;
		flash->data[address + i] &= data[i];
	}
	return !rises;
}

bool vflash_in_slot(uint32_t address, uint32_t *ret_offset)
{
	uint32_t in_slot;

	if (address < VFLASH_SLOTS || address >= VFLASH_SIZE)
		return false;
	in_slot = (address - VFLASH_SLOTS) % VFLASH_SLOT_SIZE;
	*ret_offset = in_slot - STORE_HEADER_SIZE;
	return in_slot >= STORE_HEADER_SIZE;
}

static void unmap(uint8_t *data)
{
	munmap(data, VFLASH_SIZE);
}
AUTO_DEFINE(mapping, uint8_t *, unmap)

bool vflash_dump(const char *path, const char *slot, struct err *e)
{
	AUTO(mapping) data = NULL;
	bool is_new;

	if (!map(path, O_RDONLY, PROT_READ, &data, &is_new, e))
		return false;
	for (size_t i = 0; i < VFLASH_SLOT_COUNT; i++) {
		const uint8_t *header = data + vflash_slots[i].address;
		uint32_t len = header_len(header);

		if (strcmp(vflash_slots[i].name, slot) != 0)
			continue;
		if (memcmp(header, "IMPF", 4) != 0 || len > VFLASH_SLOT_SIZE - STORE_HEADER_SIZE)
			return err_set(e, ERR_NOT_FOUND, "there is no %s in %s", slot, path);
		if (fwrite(header + STORE_HEADER_SIZE, 1, len, stdout) != len ||
		    fflush(stdout) != 0)
			return err_errno(e, ERR_SYSTEM, "cannot write");
		return true;
	}
	return err_set(e, ERR_USAGE, "\"%s\" is no slot: certificate, issuer, chain, root, bundle",
		       slot);
}
