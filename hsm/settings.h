/* settings: etc/signer.yaml, the signer's and the ceremony's own settings.
 *	station: SZ1				1 to 64 of A-Z a-z 0-9 and "-"
 *	serial_prefix: "5a31"			hex, 1 to 6 octets, the first 01 to 7f
 *	token:
 *	  module: /usr/lib/softhsm/libsofthsm2.so
 *	  label: imprint-SZ1
 *	  pin_file: token-pin			default: the systemd credential token-pin
 *	  softhsm_conf: token/softhsm2.conf	only with SoftHSM: goes into SOFTHSM2_CONF
 *	  init_args: ""				optional
 *	  sessions: 2				1..16, default 1
 *	  network: no				yes: an HSM that is reached over IP; default no
 *	access:					users by name or number, groups with "@" in front
 *	  station: [imprint-station]
 *	  supervisor: ["@imprint-supervisor"]
 *	  reader: ["@imprint"]			optional
 *	  training: no				yes: one user may be station and supervisor
 *	ledger:					optional
 *	  linger_ms: 2				0..100, default 2
 *	  crl_days: 30				1..3650, default 30
 * Relative paths are below the folder of the file. Mistakes: ERR_INVALID, "FILE:LINE:COLUMN: …" and
 * what is allowed. Threads: read-only after loading. Below: base/config. */
#ifndef HSM_SETTINGS_H
#define HSM_SETTINGS_H

#include "hsm/token/token.h"
#include "hsm/api/request.h"

#define SETTINGS_PEERS_MAX 16
#define SETTINGS_PREFIX_MAX 6 /* octets */

struct settings_peer {
	bool is_group;
	uint32_t id;   /* uid or gid */
	unsigned role; /* one enum role */
};

struct settings {
	char station[NAME_MAX_LEN + 1];
	uint8_t serial_prefix[SETTINGS_PREFIX_MAX];
	size_t serial_prefix_len;
	struct token_config token;
	char softhsm_conf[PATH_MAX];
	bool token_network; /* else the signer can open no IP socket */
	struct settings_peer peers[SETTINGS_PEERS_MAX];
	size_t peer_count;
	bool training;
	unsigned linger_ms;
	unsigned crl_days;
};

/* Loads etc/signer.yaml and sets SOFTHSM2_CONF for this process if softhsm_conf is given. A user or
 * group that does not exist is a mistake. */
MUST_CHECK bool settings_load(const char *path, struct settings *ret_settings, struct err *e);

#endif
