/* openapi.yaml and the JSON made from it, inside the program. The bytes are made at build time by embed_openapi.py. */
#ifndef API_CONTRACT_H
#define API_CONTRACT_H

#include <stddef.h>

extern const unsigned char contract_yaml[], contract_json[];
extern const size_t n_contract_yaml, n_contract_json;

#endif
