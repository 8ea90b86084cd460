// Standard JSON in, standard JSON out: the Solidity compiler without a command line around it.
import { readFileSync } from "node:fs";
import solc from "solc";

process.stdout.write(solc.compile(readFileSync(0, "utf8")) + "\n");
