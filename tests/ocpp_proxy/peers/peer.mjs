// What both peers share: load ocpp-rpc from the folder given, and one JSON line per event.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

export const [folder, ...settings] = process.argv.slice(2);
export const { RPCServer, RPCClient } = createRequire(`${folder}/`)('ocpp-rpc');

export function tell(name, data = {}) {
    process.stdout.write(JSON.stringify({ name, ...data }) + '\n');
}

export function report(client) {
    client.on('strictValidationFailure', ({ method, outbound, isCall, error }) =>
        tell('broken', { method, outbound, isCall, error: error.message }));
    client.on('badMessage', ({ error }) => tell('bad_message', { error: error.message }));
    client.on('disconnect', ({ code, reason }) => tell('disconnected', { code, reason }));
}

// Each line of standard input is a CALL to make: {"method": …, "params": …}.
export function callFromInput(client) {
    createInterface({ input: process.stdin }).on('line', async (line) => {
        const { method, params } = JSON.parse(line);
        try {
            tell('answered', { method, result: await client().call(method, params) });
        } catch (error) {
            tell('refused', { method, code: error.rpcErrorCode ?? error.message });
        }
    });
}
