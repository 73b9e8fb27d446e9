/* steps: the actions of the recipe, in their order. Each is one step: it takes what the ones before
 * put into the recipe, and ends by its deadline or when the run is cancelled. Threads: one a
 * recipe. Layer above: recipe (its table). Below: board, asker, catalogue, box. */
#ifndef STATION_STEPS_H
#define STATION_STEPS_H

#include "station/asker.h"
#include "station/recipe.h"

struct recipe {
	const struct recipe_input *in;
	struct run *run;
	struct asker asker;
	struct station_product product;
	struct board_options options;
	struct board *board;
	char own_unit[BOARD_TEXT_MAX + 1];	  /* as the board says it; "" if it does not know */
	char unit[NAME_MAX_LEN + 1];		  /* the unit that it becomes */
	struct reply reply;			  /* to REQUEST_ISSUE */
	struct board_file files[BOARD_FILES_MAX]; /* in the signer's order */
	size_t file_count;
	struct board_proof proof;
	enum evidence evidence;
	size_t step_index, bytes_before, bytes_total;
	bool verified;	    /* the files are in the board as they should be */
	bool has_issued;    /* this run has its certificate: certificate_id */
	bool again;	    /* the signer forgot its nonce: once more from `certificate` */
	unsigned csr_tries; /* before this one: noise spoilt the CSR */
	uint8_t certificate_id[SHA256_LEN];
	uint8_t csr[BOARD_CSR_MAX];
	size_t csr_len;
	uint8_t record[MESSAGE_MAX];
};

typedef bool step_action(struct recipe *r, int64_t deadline, struct err *e);

step_action step_order;	   /* the order in use, and its product */
step_action step_identify; /* opens the line; which unit is it? */
step_action step_csr;
step_action step_certificate; /* the signer's files, and a nonce for the proof */
step_action step_install;
step_action step_verify;     /* digest or read-back, as the product says */
step_action step_prove;	     /* where the product and its driver do */
step_action step_check_unit; /* is it still the same unit? */
step_action step_installed;  /* durable in the ledger, with its evidence */
step_action step_finish;

#endif
