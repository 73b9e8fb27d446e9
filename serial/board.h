/* board: one board on one wire, whatever it speaks. The only header of serial/ that the station
 * uses (with fault.h). A driver is a table of these functions; board_open finds it by name, and
 * each call below is the driver's. Calls are blocking with an absolute deadline (base/clock.h) and
 * see the cancel descriptor; each ends in time. Errors: err.code is a FAULT_… (the board's doing),
 * ERR_CANCELLED, ERR_BUSY (the port is held by another process), ERR_INVALID (an option or a file
 * that no board could take) or ERR_SYSTEM. One `struct board` is one board in one run: where it
 * names another unit id after the first board_identify, or has restarted since, the call fails. The
 * sentence does not name nest or unit: the caller adds them. All text from a board is checked:
 * printable ASCII, at most BOARD_TEXT_MAX characters. Threads: a board belongs to one thread at a
 * time. Layer above: station/recipe. Below: drivers, link, port. */
#ifndef SERIAL_BOARD_H
#define SERIAL_BOARD_H

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/err.h"

#define BOARD_TEXT_MAX 64
#define BOARD_DRIVER_MAX 32 /* characters of a driver's name */
#define BOARD_CSR_MAX 4096
#define BOARD_FILES_MAX 8
#define BOARD_FILE_NAME_MAX 32
#define BOARD_FILE_MAX 16384
#define BOARD_SIGNATURE_MAX 600
#define BOARD_PATH_MAX 64
#define BOARD_PROMPT_MAX 32
#define BOARD_STATE_MAX 128

/* What ends a command line. */
enum board_line_end { BOARD_CR, BOARD_LF, BOARD_CRLF, BOARD_NUL };

/* Where a driver that has a choice takes the unit id from. */
enum board_unit { BOARD_UNIT_IMEI, BOARD_UNIT_UUID, BOARD_UNIT_HWINFO, BOARD_UNIT_NONE };

/* What a product says to its driver alone. The kind must be the driver's: see
 * board_settings_default. */
struct board_settings {
	enum board_settings_kind {
		BOARD_SETTINGS_NONE,
		BOARD_SETTINGS_FS,
		BOARD_SETTINGS_NRF91,
		BOARD_SETTINGS_ZSHELL,
	} kind;
	union {
		struct board_fs {
			char csr[BOARD_PATH_MAX + 1];  /* the file with the CSR, DER */
			char unit[BOARD_PATH_MAX + 1]; /* that with the unit id; "": there is none
							*/
			bool reset;		       /* at the end */
		} fs;
		struct board_nrf91 {
			uint32_t sec_tag;
			enum board_line_end line_end;
			enum board_unit unit;
		} nrf91;
		struct board_zshell {
			uint32_t sec_tag;
			enum board_unit unit;
			char prompt[BOARD_PROMPT_MAX + 1];
		} zshell;
	};
};

struct board_options {
	const char *driver; /* "prov"; see board_driver_name */
	const char *port; /* "/dev/serial/by-path/…", "pty:/dev/pts/7", "unix:/path/of/socket" */
	unsigned baud;	  /* 0: 115200. Ignored on unix: and pty: */
	unsigned line_gap_ms; /* least time between two lines of one request; 0: the driver's
				 default */
	int cancel_fd;
	const struct board_settings *settings; /* NULL, or of another kind: the driver's defaults */
	/* Told as bytes move, from the calling thread: done of total for the call under way. May be
	 * NULL. */
	void (*progress)(void *context, size_t done, size_t total);
	void *context;
};

struct board_identity {
	char unit[BOARD_TEXT_MAX + 1];	   /* "" if the board does not know its unit id */
	char hardware[BOARD_TEXT_MAX + 1]; /* may be "" */
	char firmware[BOARD_TEXT_MAX + 1]; /* may be "" */
};

struct board_file {
	const char *name;   /* "certificate": what the product calls it, for sentences */
	const char *target; /* where it goes on the board: a slot name or a path, as the driver has
			       it */
	struct bytes content;
	uint8_t sha256[32];
};

/* What the board signs: "imprint-prove-v1" 00 | nonce | certificate id | unit id | SHA-256 of each
 * file as read. */
struct board_challenge {
	uint8_t nonce[32];
	uint8_t certificate_id[32];
	const struct board_file
		*files; /* in the product's order: the hashes are signed in this order */
	size_t file_count;
};

struct board_proof {
	char unit[BOARD_TEXT_MAX + 1]; /* the unit id as the board signed it */
	uint8_t signature[BOARD_SIGNATURE_MAX];
	size_t signature_len;
};

struct board;

/* Opens the line. Nothing is sent yet. */
MUST_CHECK bool board_open(const struct board_options *options, struct board **ret_board,
			   struct err *e);
void board_close(struct board *board);
AUTO_DEFINE(board, struct board *, board_close)

/* Who is it? Retries until the deadline: boards that boot late or talk before they listen are
 * normal. */
MUST_CHECK bool board_identify(struct board *board, struct board_identity *ret_identity,
			       int64_t deadline, struct err *e);

/* The board's certificate request, DER. The board makes its key if it has none; asked again, it
 * answers with the same key where board_repeats_csr, and else with a new one: the old one is gone.
 * ret_csr is BOARD_CSR_MAX long. */
MUST_CHECK bool board_csr(struct board *board, uint8_t *ret_csr, size_t *ret_len, int64_t deadline,
			  struct err *e);

MUST_CHECK bool board_write(struct board *board, const struct board_file *file, int64_t deadline,
			    struct err *e);

/* The board's own digest of the file as it lies in flash must be file->sha256; where it is not, the
 * file is read and the sentence names the first byte that differs. With read_back every byte is
 * read and compared. On a wire without a checksum noise may have spoilt the file on its way: there
 * it is written again, a few times, before the flash is to blame; and the key that the CSR came
 * from must still be there. */
MUST_CHECK bool board_verify(struct board *board, const struct board_file *file, bool read_back,
			     int64_t deadline, struct err *e);

bool board_repeats_csr(const struct board *board);
/* True if there is no checksum on the wire: noise may have spoilt a CSR that its signature betrays.
 */
bool board_is_unchecked(const struct board *board);
bool board_can_prove(const struct board *board);
MUST_CHECK bool board_prove(struct board *board, const struct board_challenge *challenge,
			    struct board_proof *ret_proof, int64_t deadline, struct err *e);

/* Commits what was written, where the board has such a step. */
MUST_CHECK bool board_finish(struct board *board, int64_t deadline, struct err *e);

/* True if a board could be there: the line exists and is not hung up. Sends nothing, takes no lock
 * that stays. */
bool board_line_present(const char *port);

/* What a board says of itself to an engineer who sets up a nest. */
struct board_report {
	struct board_identity identity; /* unit "": it does not say */
	char state[BOARD_STATE_MAX + 1];
};

/* Asks a board that may be of any kind: changes nothing on it. */
MUST_CHECK bool board_probe(struct board *board, struct board_report *ret_report, int64_t deadline,
			    struct err *e);

/* The drivers by index; NULL behind the last. */
const char *board_driver_name(size_t index);
/* Its settings where the product says nothing; of the kind NONE too if there is no such driver. */
struct board_settings board_settings_default(const char *driver);
/* True if its boards can prove their files. */
bool board_driver_proves(const char *driver);
/* True if the driver can put a file there; else *ret_allowed says what is. */
bool board_target_fits(const char *driver, const char *target, const char **ret_allowed);

#endif
