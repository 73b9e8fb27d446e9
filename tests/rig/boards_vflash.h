/* vflash: the NOR flash of a virtual board, a file that outlives board and rig. Erase sets pages to
 * FF, program only clears bits. The file (big endian numbers; pages of 4096 bytes):
 *	page 0		"IMPB" len32 8 bytes FF | unit id as text: made with the board
 *	page 1		the key, as serial/agent/store.h has it
 *	page 2		the commit mark, likewise
 *	page 3 + 5 n	slot n: "IMPF" len32 8 bytes FF | the file's bytes | FF
 * Slots in order: certificate issuer chain root bundle. `rig-boards --dump FILE SLOT` prints one.
 * Errors: ERR_INVALID, ERR_SYSTEM. Threads: one a flash. Layer above: vboard. Below: none. */
#ifndef RIG_BOARDS_VFLASH_H
#define RIG_BOARDS_VFLASH_H

#include "base/cleanup.h"
#include "base/err.h"
#include "serial/agent/store.h"

#define VFLASH_PAGE 4096
#define VFLASH_KEY (1 * VFLASH_PAGE)
#define VFLASH_STATE (2 * VFLASH_PAGE)
#define VFLASH_SLOTS (3 * VFLASH_PAGE)
#define VFLASH_SLOT_SIZE (5 * VFLASH_PAGE)
#define VFLASH_SLOT_COUNT 5
#define VFLASH_SIZE (VFLASH_SLOTS + VFLASH_SLOT_COUNT * VFLASH_SLOT_SIZE)

extern const struct agent_slot vflash_slots[VFLASH_SLOT_COUNT];

struct vflash;

/* Opens the file, or makes a blank one for a board of that unit id. */
MUST_CHECK bool vflash_open(const char *path, const char *unit, struct vflash **ret_flash,
			    struct err *e);
void vflash_close(struct vflash *flash);
AUTO_DEFINE(vflash, struct vflash *, vflash_close)

/* The unit id that the board was made with. */
void vflash_unit(const struct vflash *flash, char ret_unit[AGENT_UNIT_MAX + 1]);

/* From now on an erased page and a programmed block take as long as on a microcontroller, so that a
 * power cut may come in the middle. */
void vflash_take_time(struct vflash *flash);

bool vflash_read(const struct vflash *flash, uint32_t address, uint8_t *ret_data, size_t len);
bool vflash_erase(struct vflash *flash, uint32_t address, uint32_t len);
bool vflash_program(struct vflash *flash, uint32_t address, const uint8_t *data, size_t len);

/* Where in a slot's file the address lies: true if it does. */
bool vflash_in_slot(uint32_t address, uint32_t *ret_offset);

/* Prints a slot's bytes to stdout. */
MUST_CHECK bool vflash_dump(const char *path, const char *slot, struct err *e);

#endif
