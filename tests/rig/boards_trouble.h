/* trouble: what a virtual board does wrong, as "KIND" or "KIND:ARGUMENT".
 * Threads: any. Layer above: vboard, nest. Below: none. */
#ifndef RIG_BOARDS_TROUBLE_H
#define RIG_BOARDS_TROUBLE_H

#include "base/err.h"

#define TROUBLE_ARGUMENT_SIZE 16

enum trouble_kind {
	KIND_NONE,
	KIND_MUTE,	      /* reads, and never answers */
	KIND_GARBAGE,	      /* babbles without end */
	KIND_BOOT_LOG,	      /* text before and between its packets */
	KIND_SLOW,	      /* :BAUD */
	KIND_NOISE,	      /* :N, every Nth byte of its answers has a bit flipped */
	KIND_FLIP_IN,	      /* :N, bit N % 8 of byte N / 8 that reaches it is flipped */
	KIND_FLIP_OUT,	      /* :N, likewise of what it sends */
	KIND_RESET,	      /* restarts in mid-write, once */
	KIND_RESET_ALWAYS,    /* each time */
	KIND_WRONG_UNIT,      /* a unit id that fits no pattern */
	KIND_UNIT_CHANGED,    /* another unit id once files were written */
	KIND_BAD_UNIT_TEXT,   /* control characters in it */
	KIND_SAME_KEY,	      /* :NEST, the key of the board there */
	KIND_FLASH_WEAK,      /* a bit of byte 128 of a file does not hold */
	KIND_BAD_CSR,	      /* the CSR's signature is wrong */
	KIND_SPOILT_CSR,      /* once, as noise does it */
	KIND_SWAP,	      /* another board lies there after the CSR was read, once */
	KIND_BAD_PROOF,	      /* proves with another key */
	KIND_ENDLESS_LINE,    /* letters without end, and never a new line */
	KIND_ENDLESS_LIST,    /* lists what it holds in lines without end (nrf91, zshell) */
	KIND_ENDLESS_MAP,     /* answers with maps that never end (SMP) */
	KIND_NESTED_MAPS,     /* with maps in maps in maps (SMP) */
	KIND_NULL_PARAMETERS, /* in its CSR, as modems of old have (nrf91) */
	KIND_VERSION_1,	      /* does not answer SMP version 2 (fs) */
	KIND_NO_HASH,	      /* its firmware has no hashes (fs) */
	KIND_LOSE,	      /* :N, every Nth answer is lost (fs) */
	KIND_QUIET,	      /* logs nothing, which is no fault at all (zshell) */
	KIND_LYING_LENGTH,    /* says that what it has is longer than the world */
};

struct trouble {
	enum trouble_kind kind;
	unsigned number;
	char argument[TROUBLE_ARGUMENT_SIZE];
};

MUST_CHECK bool trouble_parse(const char *text, struct trouble *ret_trouble, struct err *e);
const char *trouble_name(const struct trouble *trouble);

#endif
