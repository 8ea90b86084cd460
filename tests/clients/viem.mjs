// What an application built on viem does with a node.
import {
  BaseError, ContractFunctionRevertedError, createPublicClient, createWalletClient, defineChain,
  encodeFunctionData, getAddress, getContractAddress, http, keccak256, numberToHex, parseEther, parseGwei,
  toHex, webSocket,
} from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { check, failure, input, run, same, within } from "./steps.mjs";

const chain = defineChain({
  id: input.chainId,
  name: "under test",
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: [input.url], webSocket: [input.wsUrl] } },
});
const account = privateKeyToAccount(input.key);
const transport = http(input.url, { batch: true, retryCount: 0 });
const client = createPublicClient({ chain, transport, pollingInterval: 20, cacheTime: 0 });
const wallet = createWalletClient({ account, chain, transport, pollingInterval: 20 });
const { Counter, Token } = input.contracts;
const fresh = () => privateKeyToAccount(generatePrivateKey()).address;
const receiptOf = async (hash) => client.waitForTransactionReceipt({ hash: await hash, timeout: 15_000 });
const request = (method, ...params) => client.request({ method, params });
const isZero = (hex) => /^0x0*$/.test(hex);

let counter, token;
const increment = (note) => wallet.writeContract({ ...counter, functionName: "increment", args: [note] });
const transfer = (to, value) => wallet.writeContract({ ...token, functionName: "transfer", args: [to, value] });

async function deploy({ abi, bytecode }, args = []) {
  const receipt = await receiptOf(wallet.deployContract({ abi, bytecode, args }));
  same(receipt.status, "success", "deployment");
  return { abi, address: getAddress(receipt.contractAddress) };
}

async function reverted(promise, what) {
  const error = await failure(promise, what);
  check(error instanceof BaseError, `${what}: ${error}`);
  const inner = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
  check(inner, `${what} is no revert: ${error}`);
  return inner;
}

function callTypes(frame) {
  return [frame.type, ...(frame.calls ?? []).flatMap(callTypes)];
}

const steps = {
  async chainId() {
    same(await client.getChainId(), input.chainId, "chain id");
    check((await client.getBlockNumber()) >= 0n, "block number");
  },

  async balance() {
    check((await client.getBalance({ address: account.address })) > parseEther("1"), "funded");
    same(await client.getCode({ address: fresh() }), undefined, "code of nobody");
  },

  async sendValue() {
    const to = fresh();
    const receipt = await receiptOf(wallet.sendTransaction({ to, value: 5n }));
    same([receipt.status, receipt.gasUsed, receipt.type], ["success", 21000n, "eip1559"], "receipt");
    same(await client.getBalance({ address: to }), 5n, "balance");
    const sent = await client.getTransaction({ hash: receipt.transactionHash });
    same([sent.value, sent.blockNumber], [5n, receipt.blockNumber], "transaction");
    same(await client.getTransactionConfirmations({ hash: receipt.transactionHash }) >= 1n, true, "confirmed");
  },

  async sendSync() {
    const to = fresh();
    const prepared = await wallet.prepareTransactionRequest({ to, value: 6n });
    const serializedTransaction = await wallet.signTransaction(prepared);
    const receipt = await client.sendRawTransactionSync({ serializedTransaction });
    same([receipt.status, receipt.transactionHash], ["success", keccak256(serializedTransaction)], "receipt");
    same(await client.getBalance({ address: to }), 6n, "balance when the receipt is here");
    same(await client.getTransactionCount({ address: account.address }), prepared.nonce + 1, "nonce likewise");
  },

  async deploy() {
    const nonce = await client.getTransactionCount({ address: account.address });
    counter = await deploy(Counter);
    same(counter.address, getContractAddress({ from: account.address, nonce: BigInt(nonce) }), "address");
    token = await deploy(Token, ["Test Token", "TT", parseEther("1000")]);
    same(await client.getCode({ address: token.address }), Token.runtime, "code");
  },

  async call() {
    const [name, balance] = await Promise.all([
      client.readContract({ ...token, functionName: "name" }),
      client.readContract({ ...token, functionName: "balanceOf", args: [account.address] }),
    ]);
    same([name, balance], ["Test Token", parseEther("1000")], "two calls in one HTTP batch");
  },

  async stateOverride() {
    const someone = fresh();
    const data = encodeFunctionData({ abi: Counter.abi, functionName: "whoAmI" });
    const override = { address: someone, code: Counter.runtime };
    const { data: answer } = await client.call({ to: someone, data, stateOverride: [override] });
    check(answer.toLowerCase().includes(someone.slice(2).toLowerCase()), "borrowed code runs at the address");
    const slot = { slot: numberToHex(0, { size: 32 }), value: numberToHex(99, { size: 32 }) };
    const stateOverride = [{ address: counter.address, stateDiff: [slot] }];
    same(await client.readContract({ ...counter, functionName: "count", stateOverride }), 99n, "stateDiff");
    same(await client.readContract({ ...counter, functionName: "count" }), 0n, "nothing stays");
  },

  async estimateGas() {
    const to = fresh();
    const args = { ...token, functionName: "transfer", args: [to, 1n] };
    const estimate = await client.estimateContractGas({ ...args, account });
    const receipt = await receiptOf(wallet.writeContract(args));
    check(estimate >= receipt.gasUsed && estimate * 10n <= receipt.gasUsed * 13n,
      `estimate ${estimate}, used ${receipt.gasUsed}`);
  },

  async events() {
    const to = fresh();
    const receipt = await receiptOf(transfer(to, 3n));
    const found = await client.getContractEvents({ ...token, eventName: "Transfer", args: { to }, fromBlock: 0n });
    same(found.map((log) => [log.args.value, log.transactionHash]), [[3n, receipt.transactionHash]], "logs");
  },

  async filters() {
    const logs = await client.createContractEventFilter({ ...counter, eventName: "Counted" });
    const blocks = await client.createBlockFilter();
    const pending = await client.createPendingTransactionFilter();
    const hash = await increment("filter");
    await receiptOf(hash);
    same((await client.getFilterChanges({ filter: logs })).map((log) => log.args.note), ["filter"], "changes");
    same((await client.getFilterLogs({ filter: logs })).length, 1, "logs");
    check((await client.getFilterChanges({ filter: blocks })).length >= 1, "blocks");
    check((await client.getFilterChanges({ filter: pending })).includes(hash), "pending transactions");
    same(await client.uninstallFilter({ filter: logs }), true, "uninstall");
    await failure(client.getFilterChanges({ filter: logs }), "a filter that is gone");
  },

  async reverts() {
    const simulate = (functionName, args = []) => client.simulateContract({ ...counter, functionName, args, account });
    same((await reverted(simulate("failWithReason"), "reason")).reason, "counter: refused", "reason");
    const custom = await reverted(simulate("failWithCustomError", [7n]), "custom error");
    same([custom.data.errorName, custom.data.args], ["Refused", [account.address, 7n]], "custom error");
    const panic = await reverted(simulate("failWithPanic", [0n]), "panic");
    same([panic.data.errorName, panic.data.args], ["Panic", [18n]], "panic");
    const estimate = client.estimateContractGas({ ...counter, functionName: "failWithReason", account });
    same((await reverted(estimate, "estimate")).reason, "counter: refused", "estimateGas");
    const receipt = await receiptOf(
      wallet.writeContract({ ...counter, functionName: "failSilently", gas: 100_000n }));
    same([receipt.status, receipt.logs], ["reverted", []], "receipt of a revert");
  },

  async simulateBlocks() {
    const someone = fresh();
    const [first, second] = await client.simulateBlocks({
      blocks: [
        {
          stateOverrides: [{ address: someone, balance: parseEther("2") }],
          calls: [{ from: someone, to: account.address, value: parseEther("1") }],
        },
        {
          calls: [
            { account, abi: Counter.abi, to: counter.address, functionName: "increment", args: ["simulated"] },
            { account, abi: Counter.abi, to: counter.address, functionName: "count" },
            { account, abi: Counter.abi, to: counter.address, functionName: "failWithReason" },
          ],
        },
      ],
    });
    same(first.calls[0].status, "success", "value of an overridden balance");
    same(second.number, first.number + 1n, "numbers follow");
    const count = await client.readContract({ ...counter, functionName: "count" });
    same(second.calls.map((one) => one.status), ["success", "success", "failure"], "statuses");
    same(second.calls[1].result, count + 1n, "calls see those before them");
    same(second.calls[0].logs.length, 1, "logs");
  },

  async proof() {
    const proof = await client.getProof({
      address: token.address, storageKeys: [numberToHex(2, { size: 32 }), numberToHex(500, { size: 32 })],
    });
    same(proof.address.toLowerCase(), token.address.toLowerCase(), "address");
    same([proof.balance, proof.nonce, proof.codeHash], [0n, 1, keccak256(Token.runtime)], "account");
    check(Array.isArray(proof.accountProof) && proof.accountProof.length >= 1, "account proof");
    same(proof.storageProof.map((one) => BigInt(one.value)), [parseEther("1000"), 0n], "values");
    check(proof.storageProof.every((one) => Array.isArray(one.proof)), "storage proofs");
  },

  async accessList() {
    const data = encodeFunctionData({ abi: Counter.abi, functionName: "increment", args: [""] });
    const made = await client.createAccessList({ account: account.address, to: counter.address, data });
    check(made.gasUsed > 21000n, "gas");
    const entry = made.accessList.find((one) => one.address.toLowerCase() === counter.address.toLowerCase());
    check(entry.storageKeys.some(isZero), "slot 0 is in the list");
    const receipt = await receiptOf(wallet.sendTransaction({
      type: "eip2930", to: counter.address, data, accessList: made.accessList, gasPrice: await client.getGasPrice(),
    }));
    same([receipt.type, receipt.status], ["eip2930", "success"], "access list transaction");
  },

  async fees() {
    const fees = await client.estimateFeesPerGas();
    check(fees.maxFeePerGas >= fees.maxPriorityFeePerGas, "fees");
    const history = await client.getFeeHistory({ blockCount: 4, rewardPercentiles: [10, 90] });
    same(history.baseFeePerGas.length, history.gasUsedRatio.length + 1, "history");
    check((await client.estimateMaxPriorityFeePerGas()) >= 0n, "priority fee");
    const receipt = await receiptOf(wallet.sendTransaction({
      to: fresh(), value: 1n, maxFeePerGas: fees.maxFeePerGas * 2n + parseGwei("2"), maxPriorityFeePerGas: 3n,
    }));
    const block = await client.getBlock({ blockNumber: receipt.blockNumber });
    same(receipt.effectiveGasPrice, block.baseFeePerGas + 3n, "effective gas price");
  },

  async setCode() {
    const eoa = privateKeyToAccount(generatePrivateKey());
    const authorization = await wallet.signAuthorization({ account: eoa, contractAddress: counter.address });
    const data = encodeFunctionData({ abi: Counter.abi, functionName: "increment", args: ["7702"] });
    const receipt = await receiptOf(
      wallet.sendTransaction({ to: eoa.address, data, authorizationList: [authorization] }));
    same([receipt.type, receipt.status, receipt.logs.length], ["eip7702", "success", 1], "receipt");
    same(receipt.logs[0].address.toLowerCase(), eoa.address.toLowerCase(), "the account itself logs");
    same(await client.getTransactionCount({ address: eoa.address }), 1, "nonce after the authorization");
    const sent = await client.getTransaction({ hash: receipt.transactionHash });
    same(getAddress(sent.authorizationList[0].address), counter.address, "authorization comes back");
  },

  async callTracer() {
    const hash = await wallet.writeContract({ ...counter, functionName: "nested", args: [2n, false], gas: 300_000n });
    const receipt = await receiptOf(hash);
    const frame = await request("debug_traceTransaction", hash, { tracer: "callTracer", tracerConfig: { withLog: true } });
    same(callTypes(frame), ["CALL", "CALL", "CALL"], "call tree");
    same([BigInt(frame.gasUsed), frame.to], [receipt.gasUsed, counter.address.toLowerCase()], "top frame");
    const inner = frame.calls[0].calls[0];
    same([inner.from, inner.logs.length], [counter.address.toLowerCase(), 1], "log in the inner frame");
    const failed = await wallet.writeContract({
      ...counter, functionName: "failWithReason", gas: 100_000n,
    });
    await receiptOf(failed);
    const broken = await request("debug_traceTransaction", failed, { tracer: "callTracer" });
    same([broken.error, broken.revertReason], ["execution reverted", "counter: refused"], "revert");
  },

  async prestateTracer() {
    const to = fresh();
    const hash = await transfer(to, 11n);
    const { blockNumber } = await receiptOf(hash);
    const before = await request("debug_traceTransaction", hash, { tracer: "prestateTracer" });
    const own = before[account.address.toLowerCase()];
    const balance = await client.getBalance({ address: account.address, blockNumber: blockNumber - 1n });
    same(BigInt(own.balance), balance, "balance before");
    same(before[token.address.toLowerCase()].code, Token.runtime, "code");
    const diff = await request("debug_traceTransaction", hash, { tracer: "prestateTracer", tracerConfig: { diffMode: true } });
    const { pre, post } = diff;
    same(post[account.address.toLowerCase()].nonce, (own.nonce ?? 0) + 1, "nonce after");
    const written = Object.values(post[token.address.toLowerCase()].storage);
    same(written.length, 2, "two balances written");
    check(written.some((value) => BigInt(value) === 11n), "the receiver's balance");
    same(Object.keys(pre[token.address.toLowerCase()].storage).length, 1, "one slot was not empty");
  },

  async structLogs() {
    const hash = await increment("steps");
    const receipt = await receiptOf(hash);
    const trace = await request("debug_traceTransaction", hash, {});
    same([BigInt(trace.gas), trace.failed], [receipt.gasUsed, false], "gas");
    same([trace.structLogs[0].pc, trace.structLogs[0].op, trace.structLogs[0].depth], [0, "PUSH1", 1], "first step");
    check(trace.structLogs.some((step) => step.op === "SSTORE"), "SSTORE");
    const data = encodeFunctionData({ abi: Counter.abi, functionName: "nested", args: [1n, true] });
    const call = { from: account.address, to: counter.address, data };
    const frame = await request("debug_traceCall", call, "latest", { tracer: "callTracer" });
    same([frame.type, frame.error, frame.calls[0].error], ["CALL", undefined, "execution reverted"], "traceCall");
  },

  async watch() {
    const socket = createPublicClient({ chain, transport: webSocket(input.wsUrl, { retryCount: 0 }) });
    const first = (watch, key) => new Promise((resolve, reject) => watch({ [key]: resolve, onError: reject }));
    const head = first((to) => socket.watchBlocks({ ...to, emitMissed: false }), "onBlock");
    const event = first((to) => socket.watchContractEvent({ ...counter, ...to, eventName: "Counted" }), "onLogs");
    const pending = first((to) => socket.watchPendingTransactions({ ...to, batch: false }), "onTransactions");
    await socket.getChainId();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const receipt = await receiptOf(increment("watched"));
    check((await within(head, "newHeads", 8000)).number <= receipt.blockNumber, "newHeads");
    const [log] = await within(event, "logs", 8000);
    same([log.args.note, log.transactionHash], ["watched", receipt.transactionHash], "logs");
    same((await within(pending, "newPendingTransactions", 8000)).length >= 1, true, "pending");
    (await socket.transport.getRpcClient()).close();
  },
};

await run(steps);
