/* vboard: one virtual board: the agent as a product's firmware would use it, on a flash file, with
 * a trouble that it may have. Threads: one a board. Layer above: nest. Below: agent, vflash, vkey.
 */
#ifndef RIG_BOARDS_VBOARD_H
#define RIG_BOARDS_VBOARD_H

#include "base/cleanup.h"
#include "serial/agent/agent.h"
#include "tests/rig/boards_trouble.h"
#include "tests/rig/boards_vflash.h"

struct evp_md_ctx_st;

/* What lies around the board. */
struct vboard_surroundings {
	void *context;
	void (*put)(void *context, const uint8_t *data, size_t len); /* one line of the UART */
	/* The key of the board in another nest, made if it has none. */
	bool (*other_key)(void *context, const char *nest, uint8_t *ret_key, size_t *ret_len);
};

struct vboard {
	struct agent agent;
	struct agent_port port;
	struct vflash *flash;
	struct evp_md_ctx_st *hash;
	char unit[AGENT_UNIT_MAX + 1];
	struct vboard_surroundings around;
	const struct trouble *trouble;
	bool *trouble_done; /* a trouble that comes once has come */
	bool restarting;    /* what it says is lost until it has restarted */
	bool csr_made;	    /* since it started */
	unsigned erased;    /* how often a slot was */
	const char *flood;  /* said again and again; NULL: nothing */
	uint64_t computing_ns;
};

/* The trouble and its mark outlive the board. */
MUST_CHECK bool vboard_open(const char *path, const char *unit,
			    const struct vboard_surroundings *around, const struct trouble *trouble,
			    bool *trouble_done, struct vboard **ret_board, struct err *e);
void vboard_close(struct vboard *board);
AUTO_DEFINE(vboard, struct vboard *, vboard_close)

void vboard_receive(struct vboard *board, struct bytes bytes);
void vboard_restart(struct vboard *board);

#endif
