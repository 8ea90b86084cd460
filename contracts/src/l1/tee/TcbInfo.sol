// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Issue, Issues} from "./Issue.sol";
import {Json} from "./Json.sol";
import {Machine} from "./SgxExtension.sol";
import {SvnLevel, SvnLevels} from "./SvnLevel.sol";
import {TcbStatus, TcbStatuses} from "./TcbStatus.sol";
import {TdxQuote} from "./TdxQuote.sol";

/// A TDX module that Intel made: number 0 is that of machines which name none.
struct TdxModule {
    bytes32 signer; // Keccak-256 of the 48 bytes
    bytes8 attributes;
    bytes8 attributesMask;
    uint8 version;
    SvnLevel[] levels;
}

/// The status of machines whose versions are all at least these.
struct TcbLevel {
    bytes16 sgxSvns;
    bytes16 tdxSvns;
    uint16 pceSvn;
    TcbStatus status;
}

/// What Intel says of one kind of machine (FMSPC): its "TCB info" of version 3 for TDX.
struct TcbInfo {
    Issue issue;
    bytes6 fmspc;
    bytes2 pceId;
    TdxModule[] modules;
    TcbLevel[] levels;
}

library TcbInfos {
    using Json for bytes;

    uint256 private constant COMPONENTS = 16;

    error NotTcbInfo();
    error WrongMachine(bytes6 fmspc, bytes2 pceId);
    error WrongTdxModule(TdxQuote.Module found);
    error NoTcbLevel(Machine machine, bytes16 tdxSvns);

    /// The kind of machine that the JSON is about.
    function fmspcOf(bytes calldata json) internal pure returns (bytes6) {
        bytes calldata rest = json.object();
        while (rest.length > 0) {
            bytes32 name;
            bytes calldata value;
            (name, value, rest) = rest.member();
            if (name == keccak256("fmspc")) return bytes6(value.hexadecimal(6));
        }
        revert NotTcbInfo();
    }

    /// Replaces what is stored by what the JSON says. Names that are not known here are passed over.
    function store(TcbInfo storage info, bytes calldata json) internal {
        delete info.modules;
        delete info.levels;
        info.modules.push();
        bool isTdx;
        bytes calldata rest = json.object();
        while (rest.length > 0) {
            bytes32 name;
            bytes calldata value;
            (name, value, rest) = rest.member();
            if (name == keccak256("id")) isTdx = keccak256(value.text()) == keccak256("TDX");
            else if (name == keccak256("fmspc")) info.fmspc = bytes6(value.hexadecimal(6));
            else if (name == keccak256("pceId")) info.pceId = bytes2(value.hexadecimal(2));
            else if (name == keccak256("tdxModule")) _module(info.modules[0], value);
            else if (name == keccak256("tdxModuleIdentities")) _modules(info.modules, value);
            else if (name == keccak256("tcbLevels")) _levels(info.levels, value);
            else Issues.store(info.issue, name, value);
        }
        if (!isTdx || info.levels.length == 0 || info.modules[0].signer == 0) revert NotTcbInfo();
    }

    /// Status of a machine and its TDX module. Intel lists levels from the highest on: the first that fits counts.
    function check(TcbInfo storage info, Machine memory machine, TdxQuote.Module memory found)
        internal
        view
        returns (TcbStatus)
    {
        if (machine.fmspc != info.fmspc || machine.pceId != info.pceId) {
            revert WrongMachine(machine.fmspc, machine.pceId);
        }
        TcbStatus ofModule = _checkModule(info.modules, found);
        for (uint256 i = 0; i < info.levels.length; i++) {
            TcbLevel memory level = info.levels[i];
            if (
                machine.pceSvn >= level.pceSvn && _reaches(machine.sgxSvns, level.sgxSvns)
                    && _reaches(found.svns, level.tdxSvns)
            ) return TcbStatuses.worse(level.status, ofModule);
        }
        revert NoTcbLevel(machine, found.svns);
    }

    /// By the module's major version, where Intel lists modules; the one without a list serves what names none.
    function _checkModule(TdxModule[] storage modules, TdxQuote.Module memory found)
        private
        view
        returns (TcbStatus)
    {
        uint8 version = uint8(found.svns[1]);
        uint256 number = version > 0 ? modules.length - 1 : 0;
        while (number > 0 && modules[number].version != version) number--;
        TdxModule storage module = modules[number];
        bool listed = number > 0 || version == 0 || modules.length == 1;
        bool same =
            found.signer == module.signer && found.attributes == module.attributes & module.attributesMask;
        if (!listed || !same) revert WrongTdxModule(found);
        return number == 0 ? TcbStatus.UpToDate : SvnLevels.statusOf(module.levels, uint8(found.svns[0]));
    }

    /// Whether every version is at least the other's.
    function _reaches(bytes16 svns, bytes16 least) private pure returns (bool) {
        if (svns == least) return true;
        for (uint256 i = 0; i < COMPONENTS; i++) {
            if (svns[i] < least[i]) return false;
        }
        return true;
    }

    function _modules(TdxModule[] storage modules, bytes calldata json) private {
        bytes calldata rest = json.array();
        while (rest.length > 0) {
            bytes calldata one;
            (one, rest) = rest.element();
            _module(modules.push(), one);
        }
    }

    function _module(TdxModule storage module, bytes calldata json) private {
        bytes calldata rest = json.object();
        while (rest.length > 0) {
            bytes32 name;
            bytes calldata value;
            (name, value, rest) = rest.member();
            if (name == keccak256("id")) module.version = _version(value);
            else if (name == keccak256("mrsigner")) module.signer = keccak256(value.hexadecimal(48));
            else if (name == keccak256("attributes")) module.attributes = bytes8(value.hexadecimal(8));
            else if (name == keccak256("attributesMask")) module.attributesMask = bytes8(value.hexadecimal(8));
            else if (name == keccak256("tcbLevels")) SvnLevels.store(module.levels, value);
        }
    }

    /// "TDX_" and two hexadecimal digits.
    function _version(bytes calldata id) private pure returns (uint8) {
        if (id.length != 8 || bytes5(id) != '"TDX_') revert NotTcbInfo();
        return Json.digit(uint8(id[5])) << 4 | Json.digit(uint8(id[6]));
    }

    function _levels(TcbLevel[] storage levels, bytes calldata json) private {
        bytes calldata rest = json.array();
        while (rest.length > 0) {
            bytes calldata one;
            (one, rest) = rest.element();
            (bytes calldata tcb, TcbStatus status) = SvnLevels.level(one);
            _level(levels.push(), tcb.object(), status);
        }
    }

    function _level(TcbLevel storage level, bytes calldata rest, TcbStatus status) private {
        uint256 seen;
        level.status = status;
        while (rest.length > 0) {
            bytes32 name;
            bytes calldata value;
            (name, value, rest) = rest.member();
            if (name == keccak256("sgxtcbcomponents")) {
                level.sgxSvns = _components(value);
                seen |= 1;
            } else if (name == keccak256("tdxtcbcomponents")) {
                level.tdxSvns = _components(value);
                seen |= 2;
            } else if (name == keccak256("pcesvn")) {
                level.pceSvn = uint16(value.number(16));
                seen |= 4;
            }
        }
        if (seen != 7) revert NotTcbInfo();
    }

    /// From an array of 16 objects that have "svn" first.
    function _components(bytes calldata json) private pure returns (bytes16) {
        uint256 packed;
        bytes calldata rest = json.array();
        for (uint256 i = 0; i < COMPONENTS; i++) {
            bytes calldata one;
            (one, rest) = rest.element();
            (bytes32 name, bytes calldata value,) = one.object().member();
            if (name != keccak256("svn")) revert NotTcbInfo();
            packed = packed << 8 | value.number(8);
        }
        if (rest.length != 0) revert NotTcbInfo();
        return bytes16(uint128(packed));
    }
}
