/* work: what the workers do for a certificate, on the job alone: no ledger, no socket. Threads: a
 * worker has the job until it is done. Layer above: issue. Below: csr, certificate. */
#ifndef HSM_SIGNER_WORK_H
#define HSM_SIGNER_WORK_H

#include "hsm/signer/signer.h"

/* The CSR and its key, and where unit and product are known, what will be signed. */
bool work_check(struct job *job, struct csr_checker *checker, struct err *e);

/* The certificate by the token, and the files. */
bool work_sign(struct job *job, struct csr_checker *checker, struct err *e);

/* The files for the board, of a certificate that is there, and their nonce. */
bool work_files(struct job *job, struct csr_checker *checker, struct err *e);

/* What will be signed; quick enough for the loop too. */
MUST_CHECK bool work_compose(struct job *job, struct err *e);

#endif
