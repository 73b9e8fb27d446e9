/* device: what lies in a nest, whatever it speaks: a table of functions, one a kind of virtual
 * board. Each kind is a `struct vboard` inside (flash, key, unit id, faults) with another firmware
 * on it. Threads: one a device. Layer above: nest. Below: the kinds. */
#ifndef RIG_BOARDS_DEVICE_H
#define RIG_BOARDS_DEVICE_H

#include "tests/rig/boards_vboard.h"

struct device;

struct device_kind {
	const char *name;
	void (*make_unit)(const char *prefix, unsigned number,
			  char ret_unit[static AGENT_UNIT_MAX + 1]);
	/* Takes the board over, success or not. */
	bool (*open)(struct vboard *metal, bool paced, struct device **ret_device, struct err *e);
	void (*close)(struct device *device);
	void (*receive)(struct device *device, struct bytes bytes, int64_t now_ns);
	void (*restart)(struct device *device);
	/* NULL, or when it wants to work without new bytes (INT64_MAX: never), and that work. */
	int64_t (*due_ns)(const struct device *device);
	void (*work)(struct device *device, int64_t now_ns);
};

#define DEVICE_SAY_MAX 8192

struct cbor_writer;

struct device {
	const struct device_kind *kind;
	struct vboard *metal;
	size_t said_len; /* of a line that is not whole yet */
	char said[DEVICE_SAY_MAX];
};

/* By name; NULL if there is none. */
const struct device_kind *device_kind(const char *name);

/* "T-0001" */
void device_unit_usual(const char *prefix, unsigned number,
		       char ret_unit[static AGENT_UNIT_MAX + 1]);
/* Sends text on the board's line, whole lines at a time, and the rest. */
void device_say(struct device *device, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void device_flush(struct device *device);
/* What a hostile firmware answers in place of the map: none of them has an end. */
void device_spoil(const struct device *device, struct cbor_writer *w);
/* The unit id as the board says it, faults and all. */
void device_unit(struct device *device, char ret_unit[static AGENT_UNIT_MAX + 1]);
/* The SHA-256 of a file as it lies in flash; false if there is none. */
bool device_hash(struct device *device, const char *slot, uint32_t *ret_len,
		 uint8_t ret_hash[static AGENT_HASH_SIZE]);
/* A request for the key in flash, which is made if there is none. 0: it failed. */
size_t device_csr(struct device *device, const char *common_name,
		  uint8_t ret_csr[static REQUEST_MAX]);
bool device_has_key(struct device *device);
void device_forget_key(struct device *device);
/* Replaces the file; false where the flash failed, or the board is restarting. */
bool device_write(struct device *device, const char *slot, struct bytes content);
void device_forget_file(struct device *device, const char *slot);
/* Boards with sec_tags have room for one of them, kept at the state page as "IMPT" tag32be: that of
 * what lies in flash (false: nothing does), and true if something may lie under this one. A key
 * without a certificate makes room for another sec_tag. */
bool device_tag(struct device *device, uint32_t *ret_tag);
bool device_take_tag(struct device *device, uint32_t tag);

extern const struct device_kind prov_kind, fs_kind, nrf91_kind, zshell_kind;

#endif
