// What an application built on viem does with both sides of a settled chain: deposit, use, follow to L1.
import {
  createPublicClient, createWalletClient, decodeEventLog, defineChain, encodeFunctionData, http, parseAbi, parseEther,
} from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { check, input, run, same } from "./steps.mjs";

const chainOf = (id, url) => defineChain({
  id,
  name: "under test",
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: [url] } },
});
const clients = (id, url, account) => {
  const options = { chain: chainOf(id, url), transport: http(url, { retryCount: 0 }), pollingInterval: 50, cacheTime: 0 };
  return [createPublicClient(options), createWalletClient({ account, ...options })];
};
const payer = privateKeyToAccount(input.key);
const user = privateKeyToAccount(generatePrivateKey());
const [l1, l1Wallet] = clients(input.l1ChainId, input.l1Url, payer);
const [l2, l2Wallet] = clients(input.chainId, input.url, user);
const bridge = parseAbi(["function deposit(address to, uint256 amount, uint256 gasLimit, address refund) payable"]);
const mailbox = parseAbi([
  "function estimateMsgFee(uint256) view returns (uint256)",
  "function minGas(uint256) view returns (uint256)",
  "event SentMsg(address indexed sender, address indexed target, uint256 value, uint256 nonce, bytes msg, uint256 gasLimit, bytes32 hash)",
]);
const { Counter } = input.contracts;
const request = (method, ...params) => l2.request({ method, params });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let settlement, counted;

async function until(what, ask, ms = 90_000) {
  for (const end = Date.now() + ms; Date.now() < end; await pause(200)) {
    const found = await ask();
    if (found) return found;
  }
  throw new Error(`${what}: not within ${ms} ms`);
}

const steps = {
  async addresses() {
    settlement = await request("jovay_getSettlement");
    same(settlement.l1ChainId, input.l1ChainId, "L1's chain id");
    check((await l1.getCode({ address: settlement.rollup })).length > 2, "Rollup is on L1");
  },

  async deposit() {
    const amount = parseEther("2");
    const read = (functionName, args) => l1.readContract({ address: settlement.l1Mailbox, abi: mailbox, functionName, args });
    const gas = (await read("minGas", [100n])) + 200_000n;
    const value = amount + (await read("estimateMsgFee", [gas]));
    const hash = await l1Wallet.writeContract({
      address: settlement.l1EthBridge, abi: bridge, functionName: "deposit",
      args: [user.address, amount, gas, user.address], value,
    });
    const receipt = await l1.waitForTransactionReceipt({ hash, timeout: 30_000 });
    const logs = receipt.logs.filter((log) => log.address.toLowerCase() === settlement.l1Mailbox);
    const sent = logs.map((log) => {
      try { return decodeEventLog({ abi: mailbox, ...log }); } catch { return null; }
    }).find((event) => event?.eventName === "SentMsg");
    // The hash of the message is that of its L2 transaction.
    const credited = await l2.waitForTransactionReceipt({ hash: sent.args.hash, timeout: 60_000 });
    same(credited.status, "success", "the message's transaction");
    same(await l2.getBalance({ address: user.address }), amount, "credited");
  },

  async contract() {
    const created = await l2.waitForTransactionReceipt({
      hash: await l2Wallet.deployContract({ abi: Counter.abi, bytecode: Counter.bytecode, args: [] }), timeout: 30_000,
    });
    same(created.status, "success", "deployment");
    check(BigInt(created.l1Fee ?? 0) >= 0n, "the receipt says what L1's data cost");
    const data = encodeFunctionData({ abi: Counter.abi, functionName: "increment", args: ["settled"] });
    counted = await l2.waitForTransactionReceipt({
      hash: await l2Wallet.sendTransaction({ to: created.contractAddress, data }), timeout: 30_000,
    });
    same(counted.status, "success", "call");
  },

  async safe() {
    const finality = await until("attested", async () => {
      const found = await request("jovay_getFinality", counted.transactionHash);
      return found.stage >= 2 ? found : null;
    });
    const safe = await l2.getBlock({ blockTag: "safe" });
    check(safe.number >= counted.blockNumber, "its block is safe");
    const commit = await l1.getTransaction({ hash: finality.commit.transactionHash });
    same(commit.to.toLowerCase(), settlement.rollup, "the commit's recipient");
    const batch = await request("jovay_getBatchByBlock", `0x${counted.blockNumber.toString(16)}`);
    same([batch.index, batch.status], [finality.batchIndex, finality.status], "the batch");
  },
};

await run(steps, 120_000);
