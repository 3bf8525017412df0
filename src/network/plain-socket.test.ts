/* The tests of connections once more, on sockets whose handles are left alone: a Node that has changed them is served like that. */
process.env['HALFOPEN_NO_STREAM_HANDLES'] = '1';
const { usesStreamHandles } = await import('./stream-handle.js');
if (usesStreamHandles) throw new Error('the variable has no effect');
await import('./connection.test.js');
