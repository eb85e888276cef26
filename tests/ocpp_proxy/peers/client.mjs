// A strict wallbox: every message must fit the official OCPP 1.6 schemas.
import { RPCClient, callFromInput, report, settings, tell } from './peer.mjs';

const [endpoint, identity, password] = settings;
const answers = {
    ChangeAvailability: () => ({ status: 'Accepted' }),
    ChangeConfiguration: () => ({ status: 'Accepted' }),
    GetConfiguration: () => ({
        configurationKey: [{ key: 'NumberOfConnectors', readonly: true, value: '1' }],
    }),
    GetCompositeSchedule: () => ({ status: 'Rejected' }),
    SetChargingProfile: () => ({ status: 'Accepted' }),
    TriggerMessage: ({ requestedMessage }) => {
        setImmediate(() => send(requestedMessage));
        return { status: 'Accepted' };
    },
};
const messages = {
    BootNotification: { chargePointVendor: 'Strict', chargePointModel: 'RPC 22' },
    StatusNotification: { connectorId: 1, errorCode: 'NoError', status: 'Available' },
    Heartbeat: {},
    MeterValues: {
        connectorId: 1,
        meterValue: [{
            timestamp: new Date().toISOString(),
            sampledValue: [{ value: '0', measurand: 'Power.Active.Import', unit: 'W' }],
        }],
    },
};

const client = new RPCClient({
    endpoint,
    identity,
    password,
    protocols: ['ocpp1.6'],
    strictMode: true,
    reconnect: false,
});

async function send(method) {
    try {
        tell('answered', { method, result: await client.call(method, messages[method]) });
    } catch (error) {
        tell('refused', { method, code: error.rpcErrorCode ?? error.message });
    }
}

report(client);
client.handle(({ method, params }) => {
    tell('call', { method, params });
    const answer = answers[method];
    if (!answer) throw new Error(`unexpected ${method}`);
    return answer(params);
});
callFromInput(() => client);
try {
    await client.connect();
} catch (error) {
    tell('not_connected', { error: error.message });
    process.exit(1);
}
tell('connected', { protocol: client.protocol });
await send('BootNotification');
await send('StatusNotification');
