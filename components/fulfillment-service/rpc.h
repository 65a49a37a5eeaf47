/* What a call ends with: gRPC's codes, and how HTTP and JSON say them. */
#ifndef VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_RPC_H
#define VMCONFORM_COMPONENTS_FULFILLMENT_SERVICE_RPC_H

enum rpc_code {
    RPC_OK = 0,
    RPC_CANCELLED = 1,
    RPC_UNKNOWN = 2,
    RPC_INVALID_ARGUMENT = 3,
    RPC_NOT_FOUND = 5,
    RPC_ALREADY_EXISTS = 6,
    RPC_PERMISSION_DENIED = 7,
    RPC_RESOURCE_EXHAUSTED = 8,
    RPC_FAILED_PRECONDITION = 9,
    RPC_ABORTED = 10,
    RPC_UNIMPLEMENTED = 12,
    RPC_INTERNAL = 13,
    RPC_UNAVAILABLE = 14,
    RPC_UNAUTHENTICATED = 16
};
/* 200, 400, 404, ... */
int rpc_http_status(enum rpc_code code);
/* {"code":5,"message":"...","details":[]}: new text. */
char *rpc_error_body(enum rpc_code code, const char *message);

#endif
