// A strict central system: every message must fit the official OCPP 1.6 schemas.
import { RPCServer, callFromInput, report, tell } from './peer.mjs';

const now = () => new Date().toISOString();
const accepted = { idTagInfo: { status: 'Accepted' } };
const answers = {
    BootNotification: () => ({ status: 'Accepted', currentTime: now(), interval: 60 }),
    Authorize: () => accepted,
    StartTransaction: () => ({ ...accepted, transactionId: 4711 }),
    StopTransaction: () => accepted,
    Heartbeat: () => ({ currentTime: now() }),
    DataTransfer: () => ({ status: 'Accepted' }),
};

const server = new RPCServer({ protocols: ['ocpp1.6'], strictMode: true });
let latest;

server.on('client', (client) => {
    latest = client;
    tell('connected', { identity: client.identity, protocol: client.protocol });
    report(client);
    client.handle(({ method, params }) => {
        tell('call', { method, params });
        return answers[method]?.() ?? {};
    });
});
callFromInput(() => latest);
const http = await server.listen(0, '127.0.0.1');
tell('listening', { port: http.address().port });
