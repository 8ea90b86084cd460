// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// Dates as certificates and JSON have them, in seconds since 1970, UTC.
library Dates {
    error BadDate(bytes text);

    /// "YYMMDDhhmmssZ" (UTCTime: years 1950 to 2049) or "YYYYMMDDhhmmssZ" (GeneralizedTime).
    function ofCertificate(bytes calldata text) internal pure returns (uint64) {
        bool utc = text.length == 13;
        if (!utc && text.length != 15 || text[text.length - 1] != "Z") revert BadDate(text);
        uint256 year = _digits(text, 0, utc ? 2 : 4);
        if (utc) year += year < 50 ? 2000 : 1900;
        return _seconds(text, year, utc ? 2 : 4, 2, utc ? 6 : 8, 2);
    }

    /// "YYYY-MM-DDThh:mm:ssZ".
    function ofJson(bytes calldata text) internal pure returns (uint64) {
        if (text.length != 20 || text[10] != "T" || text[19] != "Z") revert BadDate(text);
        return _seconds(text, _digits(text, 0, 4), 5, 3, 11, 3);
    }

    /// Days by Hinnant's days_from_civil, for years from 1 on.
    function _seconds(
        bytes calldata text,
        uint256 year,
        uint256 date,
        uint256 dateStep,
        uint256 time,
        uint256 timeStep
    ) private pure returns (uint64) {
        uint256 month = _digits(text, date, 2);
        uint256 day = _digits(text, date + dateStep, 2);
        if (year < 1970 || month == 0 || month > 12 || day == 0 || day > 31) revert BadDate(text);
        uint256 clock = _digits(text, time, 2) * 3600 + _digits(text, time + timeStep, 2) * 60
            + _digits(text, time + 2 * timeStep, 2);
        if (month <= 2) year--;
        uint256 dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
        uint256 ofEra = year % 400;
        uint256 dayOfEra = ofEra * 365 + ofEra / 4 - ofEra / 100 + dayOfYear;
        return uint64(((year / 400) * 146_097 + dayOfEra - 719_468) * 1 days + clock);
    }

    function _digits(bytes calldata text, uint256 from, uint256 count) private pure returns (uint256 value) {
        for (uint256 i = from; i < from + count; i++) {
            uint8 digit = uint8(text[i]) - 48;
            if (digit > 9) revert BadDate(text);
            value = value * 10 + digit;
        }
    }
}
