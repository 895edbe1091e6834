// What zkteco-js or node-zklib sees of a terminal: node node_client.cjs FOLDER PACKAGE HOST PORT. Prints one JSON object.
const path = require("node:path");

const [folder, name, host, port] = process.argv.slice(2);
const Client = require(path.join(folder, "node_modules", name));

async function connect() {
  const client = new Client(host, Number(port), 10000, 4000);
  await client.createSocket();
  return client;
}

async function main() {
  const client = await connect();
  const info = await client.getInfo();
  const users = (await client.getUsers()).data;
  const records = (await client.getAttendances()).data;
  const last = records.at(-1);
  await client.disconnect();
  // A connection of its own: after a large read these clients leave a listener behind and hear no event on the old one.
  const listener = await connect();
  const heard = await new Promise((resolve) => listener.getRealTimeLogs(resolve));
  const seen = {
    info,
    users: users.map((user) => [user.uid, user.userId, user.name]),
    records: records.length,
    last: [last.user_id ?? last.deviceUserId, new Date(last.record_time ?? last.recordTime).toString()],
    event: heard.userId,
  };
  console.log(JSON.stringify(seen));
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
