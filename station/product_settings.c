#include "station/product_raw.h"

#include <stdio.h>
#include <string.h>

static void take_fs(const struct raw_fs *raw, struct board_settings *settings)
{
	snprintf(settings->fs.csr, sizeof(settings->fs.csr), "%s", raw->csr);
	if (raw->unit)
		snprintf(settings->fs.unit, sizeof(settings->fs.unit), "%s", raw->unit);
	if (raw->reset)
		settings->fs.reset = *raw->reset;
}

static void take_nrf91(const struct raw_nrf91 *raw, struct board_settings *settings)
{
	settings->nrf91.sec_tag = raw->sec_tag;
	settings->nrf91.line_end = raw->line_end;
	settings->nrf91.unit = raw->unit;
}

static void take_zshell(const struct raw_zshell *raw, struct board_settings *settings)
{
	settings->zshell.sec_tag = raw->sec_tag;
	if (raw->unit)
		settings->zshell.unit = *raw->unit;
	if (raw->prompt)
		snprintf(settings->zshell.prompt, sizeof(settings->zshell.prompt), "%s",
			 raw->prompt);
}

/* A block of another driver would be without effect: somebody meant something else. */
static bool check_block(const char *path, const char *key, const char *block, bool is_there,
			bool is_wanted, const char *driver, struct err *e)
{
	char at[64];

	snprintf(at, sizeof(at), "%s.%s", key, block);
	if (is_there && !is_wanted)
		return config_mistake(path, at, e, "%s is not for boards of driver %s", block,
				      driver);
	if (!is_there && is_wanted)
		return config_mistake(path, key, e, "boards of driver %s need the key \"%s\" here",
				      driver, block);
	return true;
}

static bool says_unit(const struct board_settings *s)
{
	return s->kind == BOARD_SETTINGS_FS	  ? *s->fs.unit != '\0'
	       : s->kind == BOARD_SETTINGS_ZSHELL ? s->zshell.unit != BOARD_UNIT_NONE
						  : true;
}

static bool check_unit(const char *path, const char *key, const struct raw_part *raw,
		       const struct board_settings *s, struct err *e)
{
	if ((raw->unit && raw->unit != SOURCE_BOARD) || says_unit(s))
		return true;
	return config_mistake(path, key, e,
			      "the unit id comes from the board, but %s.unit does not say from "
			      "where there",
			      raw->driver);
}

bool product_take_settings(const char *path, const char *key, const struct raw_part *raw,
			   struct board_settings *ret_settings, struct err *e)
{
	struct board_settings s = board_settings_default(raw->driver);

	if (!check_block(path, key, "fs", raw->fs, s.kind == BOARD_SETTINGS_FS, raw->driver, e) ||
	    !check_block(path, key, "nrf91", raw->nrf91, s.kind == BOARD_SETTINGS_NRF91,
			 raw->driver, e) ||
	    !check_block(path, key, "zshell", raw->zshell, s.kind == BOARD_SETTINGS_ZSHELL,
			 raw->driver, e))
		return false;
	if (raw->fs)
		take_fs(raw->fs, &s);
	if (raw->nrf91)
		take_nrf91(raw->nrf91, &s);
	if (raw->zshell)
		take_zshell(raw->zshell, &s);
	if (!check_unit(path, key, raw, &s, e))
		return false;
	*ret_settings = s;
	return true;
}
