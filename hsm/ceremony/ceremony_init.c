#include "hsm/ceremony/ceremony.h"

#include "base/hex.h"
#include "base/owner.h"
#include "base/place.h"
#include "hsm/x509/crypto.h"
#include "hsm/ceremony/pins.h"
#include "hsm/token/save.h"
#include "hsm/token/seal.h"
#include "hsm/token/token_uri.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#define SOFT "soft"
#define SOFT_MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define STATION_MAX (TOKEN_LABEL_MAX - 8) /* "imprint-NAME" is the token's label */
#define STATION_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"
#define PREFIX_LEN 2
#define SESSIONS 2
#define YAML_MAX 16384
#define QUOTED_MAX (2 * PATH_MAX)

/* The places of a station, absolute. */
struct site {
	struct owner owner;
	char etc[PATH_MAX], settings[PATH_MAX], products[PATH_MAX], pin[PATH_MAX], so_pin[PATH_MAX],
		lib[PATH_MAX], token[PATH_MAX];
};

static bool check_station(const char *station, struct err *e)
{
	size_t len = strlen(station);

	if (len > 0 && len <= STATION_MAX && strspn(station, STATION_CHARACTERS) == len)
		return true;
	return err_set(e, ERR_USAGE,
		       "\"%.64s\" is no station name: 1 to %d characters of A-Z a-z 0-9 and -",
		       station, STATION_MAX);
}

/* The path of a place without symbolic links, for SoftHSM wants it absolute. */
static bool find_place(enum place place, mode_t mode, const struct owner *owner,
		       char ret_path[static PATH_MAX], struct err *e)
{
	char path[PATH_MAX];

	if (!place_path(place, NULL, path, e) ||
	    !save_folder(path, mode, owner->uid, owner->gid, e))
		return false;
	return realpath(path, ret_path) || err_errno(e, ERR_SYSTEM, "cannot resolve %s", path);
}

static bool below(const char *folder, const char *name, char ret_path[static PATH_MAX],
		  struct err *e)
{
	return snprintf(ret_path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX ||
	       err_set(e, ERR_INVALID, "the path %s is too long", folder);
}

static bool find_site(struct site *s, struct err *e)
{
	struct owner self = { .uid = geteuid(), .gid = getegid() };

	if (!owner_find(OWNER_SIGNER, &s->owner, e) ||
	    !find_place(PLACE_ETC, 0755, &self, s->etc, e) ||
	    !below(s->etc, "signer.yaml", s->settings, e) ||
	    !below(s->etc, "products", s->products, e) || !below(s->etc, "token-pin", s->pin, e) ||
	    !below(s->etc, "token-so-pin", s->so_pin, e))
		return false;
	if (access(s->settings, F_OK) == 0)
		return err_set(e, ERR_REFUSED,
			       "this station is set up already: %s is there; nothing was changed",
			       s->settings);
	return find_place(PLACE_LIB_SIGNER, 0700, &s->owner, s->lib, e) &&
	       below(s->lib, "token", s->token, e) &&
	       save_folder(s->products, 0755, geteuid(), getegid(), e);
}

/* The token must open with what the settings will say, before they say it. */
static bool try_token(const struct token_config *config, struct err *e)
{
	AUTO(token) token = NULL;

	return token_open(config, &token, e);
}

static bool make_soft(const struct site *s, const struct token_config *config,
		      const struct pins *pins, struct err *e)
{
	struct err ignored;
	bool done;

	if (!owner_enter(&s->owner, e))
		return false;
	done = token_init_soft(config->module, s->token, config->label, pins->user, pins->so, e) &&
	       try_token(config, e);
	return owner_leave(done ? e : &ignored) && done;
}

/* Sealed PINs leave the settings without a PIN file. */
static bool settle_pins(const struct site *s, struct token_config *config, bool seal,
			struct pins *ret_pins, struct err *e)
{
	bool sealed = false;

	if (seal && !config->pin_file[0] && !pins_seal(&s->owner, s->pin, ret_pins, &sealed, e))
		return false;
	if (sealed)
		return true;
	if (!config->pin_file[0])
		strcpy(config->pin_file, s->pin);
	return pins_in_files(&s->owner, config->pin_file, s->so_pin, ret_pins, e);
}

static bool soft_token(const struct site *s, struct token_config *config, bool seal, struct err *e)
{
	struct pins pins = { 0 };
	bool done = settle_pins(s, config, seal, &pins, e) && make_soft(s, config, &pins, e) &&
		    save_names(s->lib, e);

	OPENSSL_cleanse(&pins, sizeof(pins));
	return done;
}

/* Without a PIN file it is a credential: one that is not sealed yet is tried later, by the signer. */
static bool ready_token(const struct site *s, const struct token_config *config, struct err *e)
{
	if (!config->pin_file[0] && !(seal_possible() && seal_exists(SEAL_PIN)))
		return true;
	return seal_open(s->owner.uid, s->owner.gid, e) && owner_enter(&s->owner, e) &&
	       try_token(config, e) && owner_leave(e);
}

static bool take_path(const char *what, const char *path, char ret_path[static PATH_MAX],
		      struct err *e)
{
	return realpath(path, ret_path) || err_errno(e, ERR_USAGE, "%s %s", what, path);
}

static bool read_token(const struct ceremony_init *init, struct token_config *config, struct err *e)
{
	bool soft = strcmp(init->token, SOFT) == 0;

	config->sessions = SESSIONS;
	if (soft)
		snprintf(config->label, sizeof(config->label), "imprint-%s", init->station);
	else if (!token_uri(init->token, config, e))
		return false;
	if (init->module && !take_path("--module", init->module, config->module, e))
		return false;
	if (init->pin_file && !take_path("--pin-file", init->pin_file, config->pin_file, e))
		return false;
	if (soft && !config->module[0])
		strcpy(config->module, SOFT_MODULE);
	if (soft && access(config->module, R_OK) < 0)
		return err_set(e, ERR_NOT_FOUND,
			       "there is no SoftHSM at %s: apt install softhsm2, or say with "
			       "--module where it is",
			       config->module);
	return config->module[0] || err_set(e, ERR_USAGE,
					    "which PKCS#11 module? Add ?module-path=/x.so to the "
					    "URI, or --module /x.so");
}

/* A YAML double-quoted string. */
static const char *quote(const char *text, char ret_text[static QUOTED_MAX])
{
	char *out = ret_text;

	*out++ = '"';
	for (; *text && out < ret_text + QUOTED_MAX - 4; text++) {
		if (*text == '"' || *text == '\\')
			*out++ = '\\';
		*out++ = *text;
	}
	*out++ = '"';
	*out = '\0';
	return ret_text;
}

static void write_token(FILE *file, const struct token_config *config, const char *softhsm_conf)
{
	char text[QUOTED_MAX];

	fprintf(file, "token:\n  module: %s\n", quote(config->module, text));
	fprintf(file, "  label: %s\n", quote(config->label, text));
	if (config->pin_file[0])
		fprintf(file, "  pin_file: %s\t# mode 0600, owned by the signer's user\n",
			quote(config->pin_file, text));
	else
		fputs("  # pin_file: token-pin\t# without it: the systemd credential token-pin\n",
		      file);
	if (softhsm_conf)
		fprintf(file, "  softhsm_conf: %s\t# SoftHSM only\n", quote(softhsm_conf, text));
	fprintf(file,
		"  # init_args: \"\"\t# what the module wants to be told at its start\n"
		"  sessions: %u\t# signatures at the same time\n",
		config->sessions);
}

/* A set-up of one's own is for trying out: one person is everybody. */
static void write_access(FILE *file, const struct owner *owner)
{
	fputs("access:\t# who may ask the signer what: users by name or number, groups with @\n",
	      file);
	if (owner->installed)
		fputs("  station: [imprint-station]\n"
		      "  supervisor: [\"@imprint-supervisor\"]\n"
		      "  reader: [\"@imprint\"]\n"
		      "  training: no\t# yes: one user may be station and supervisor\n",
		      file);
	else
		fprintf(file,
			"  station: [\"%u\"]\n  supervisor: [\"%u\"]\n  reader: [\"%u\"]\n"
			"  training: yes\t# one user is station and supervisor: not for "
			"production\n",
			(unsigned)owner->uid, (unsigned)owner->uid, (unsigned)owner->uid);
}

static bool write_settings(const struct site *s, const char *station,
			   const struct token_config *config, const char *softhsm_conf,
			   struct err *e)
{
	uint8_t prefix[PREFIX_LEN];
	char hex[2 * PREFIX_LEN + 1], text[YAML_MAX];
	FILE *file = fmemopen(text, sizeof(text), "w");
	long len;

	if (!file || RAND_bytes(prefix, sizeof(prefix)) != 1) {
		if (file)
			fclose(file);
		return crypto_failed("write the settings", e);
	}
	prefix[0] = prefix[0] % 0x7f + 1; /* a positive serial of full length */
	fprintf(file,
		"# The signer's settings; it reads them when it starts.\n"
		"station: \"%s\"\t# stands in the ledger\n"
		"serial_prefix: \"%s\"\t# of certificate serials: never the same on two stations\n",
		station, hex_encode(BYTES(prefix), hex));
	write_token(file, config, softhsm_conf);
	write_access(file, &s->owner);
	fputs("ledger:\n"
	      "  linger_ms: 2\t# wait for company before a write, 0 to 100\n"
	      "  crl_days: 30\t# until the next CRL\n",
	      file);
	len = ftell(file);
	if (fclose(file) != 0 || len <= 0 || (size_t)len >= sizeof(text))
		return err_set(e, ERR_SYSTEM, "the settings would be too long");
	return save_file(s->settings, 0644, geteuid(), getegid(), bytes_of(text, (size_t)len), e);
}

/* For a token of another kind that is SoftHSM after all, as in tests. */
static const char *foreign_conf(void)
{
	const char *path = secure_getenv("SOFTHSM2_CONF");

	return path && access(path, R_OK) == 0 ? path : NULL;
}

static void say(const struct token_config *config, bool soft,
		char ret_text[static CEREMONY_TEXT_MAX])
{
	if (soft && !config->pin_file[0])
		snprintf(ret_text, CEREMONY_TEXT_MAX,
			 "Token %s made by SoftHSM (a file on this disk, not hardware). PIN sealed "
			 "to this PC%s. Next: imprint ca create\n",
			 config->label,
			 seal_has_tpm() ? "" : " (it has no TPM: by a key on its disk)");
	else if (soft)
		snprintf(ret_text, CEREMONY_TEXT_MAX,
			 "Token %s made by SoftHSM (a file on this disk, not hardware). PIN in "
			 "%.1024s, readable by the signer only. Next: imprint ca create\n",
			 config->label, config->pin_file);
	else if (config->pin_file[0])
		snprintf(ret_text, CEREMONY_TEXT_MAX,
			 "Token %s opens with the PIN in %.1024s. Next: imprint ca create\n",
			 config->label, config->pin_file);
	else
		snprintf(ret_text, CEREMONY_TEXT_MAX,
			 "Token %s not tried yet: its PIN comes from the systemd credential "
			 "token-pin. Next: imprint ca create\n",
			 config->label);
}

bool ceremony_init(const struct ceremony_init *init, char ret_text[static CEREMONY_TEXT_MAX],
		   struct err *e)
{
	AUTO_FREE struct site *s = calloc(1, sizeof(*s));
	AUTO_FREE struct token_config *config = calloc(1, sizeof(*config));
	bool soft = strcmp(init->token, SOFT) == 0;
	char conf[PATH_MAX];

	if (!s || !config)
		return err_set(e, ERR_SYSTEM, "no memory");
	if (!check_station(init->station, e) || !read_token(init, config, e) || !find_site(s, e) ||
	    !below(s->token, "softhsm2.conf", conf, e))
		return false;
	if (soft ? !soft_token(s, config, !init->no_seal, e) : !ready_token(s, config, e))
		return false;
	if (!write_settings(s, init->station, config, soft ? conf : foreign_conf(), e))
		return false;
	say(config, soft, ret_text);
	return true;
}
