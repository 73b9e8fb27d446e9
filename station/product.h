/* product: the station's part of etc/products/NAME.yaml (`board:`): how a board of this product is
 * spoken to and where its files go. `certificate:` is the signer's and not read here.
 *	board:
 *	  driver: prov			one of the drivers of serial/
 *	  unit: board			default: the board says its unit id; label: it is scanned;
 *					list: the next free one of the order
 *	  label: no			yes: a label is scanned beside it, and must say the same
 *	  read_back: no			yes: every byte is read and compared, not the digest alone
 *	  prove: yes			yes: a board that cannot prove fails; no: it is not asked;
 *					absent: asked where its driver can
 *	  files:			in the order in which they are written and proved
 *	    - { name: certificate, target: certificate }
 *	    - { name: issuer, target: issuer }
 *	  without: [bundle]		files of the signer's part that this board does not get; for
 *					drivers without a proof only: it covers every file
 *	  fs: { csr: "/lfs1/csr.der", unit: "/lfs1/unit", reset: yes }
 *					driver fs needs it; unit (a file) and reset (yes) may be
 *					left out
 *	  nrf91: { sec_tag: 42, line_end: cr, unit: imei }
 *					likewise; cr, lf, crlf or nul; imei or uuid
 *	  zshell: { sec_tag: 42, unit: hwinfo, prompt: "uart:~$ " }
 *					likewise; hwinfo or none
 *	  others: […]			the same again for nests with boards of another driver
 * A file's name is one of those that the signer's part makes; its target is where the driver puts
 * it: a slot name of `prov`, a path. Names and targets are unique. The unit source must be the one
 * that the signer's part allows: the signer refuses requests with another. Mistakes: ERR_INVALID,
 * "FILE:LINE:COLUMN: …" and what is allowed.
 * Threads: read-only after loading: any. Layer above: station/recipe. Below: base/config,
 * serial/board. */
#ifndef STATION_PRODUCT_H
#define STATION_PRODUCT_H

#include "base/err.h"
#include "hsm/api/issuance.h"
#include "serial/board.h"

#define STATION_DRIVER_MAX BOARD_DRIVER_MAX
#define STATION_TARGET_MAX 64
#define STATION_OTHERS_MAX 4

struct station_product_file {
	char name[BOARD_FILE_NAME_MAX + 1];
	char target[STATION_TARGET_MAX + 1];
};

struct station_product {
	char name[NAME_MAX_LEN + 1]; /* the file's name without .yaml */
	char driver[STATION_DRIVER_MAX + 1];
	enum unit_source unit_source; /* SOURCE_BOARD, SOURCE_LABEL or SOURCE_LIST */
	struct board_settings settings;
	bool label; /* scanned, to be compared with the board's own id */
	bool read_back;
	bool prove;	     /* ask for a proof where board_can_prove */
	bool prove_required; /* the file says `prove: yes`: without a proof the board fails */
	struct station_product_file files[BOARD_FILES_MAX];
	size_t file_count;
	char without[BOARD_FILES_MAX][BOARD_FILE_NAME_MAX + 1];
	size_t without_count;
};

/* The part for that driver; "": the first one. All parts are checked. */
MUST_CHECK bool station_product_load(const char *path, const char *driver,
				     struct station_product *ret_product, struct err *e);

/* The same, and every mistake is reported, not the first alone. */
MUST_CHECK bool
station_product_load_reported(const char *path, const char *driver,
			      void (*report)(void *context, const struct err *mistake),
			      void *context, struct station_product *ret_product, struct err *e);

/* Where the file of that name goes, or NULL. */
const struct station_product_file *station_product_file(const struct station_product *p,
							const char *name);

/* True if its boards do not get the file of that name. */
bool station_product_leaves_out(const struct station_product *p, const char *name);

#endif
