<?php
/**
 * Compile the site's PHP with this version of PHP, and print the results as JSON.
 *
 * The results are the functions that the PHP calls and this version of PHP does not have, and a few computed prices.
 */

// The functions that Bitrix defines.
const OF_BITRIX = ['AddMessage2Log'];

function called_functions(string $source): array
{
    $names = [];
    $tokens = array_values(array_filter(token_get_all($source), function ($token) {
        return !is_array($token) || !in_array($token[0], [T_WHITESPACE, T_COMMENT, T_DOC_COMMENT], true);
    }));
    foreach ($tokens as $i => $token) {
        $before = $tokens[$i - 1] ?? null;
        $isName = is_array($token) && $token[0] === T_STRING && ($tokens[$i + 1] ?? null) === '(';
        $isOther = is_array($before)
            && in_array($before[0], [T_OBJECT_OPERATOR, T_DOUBLE_COLON, T_FUNCTION, T_NEW, T_NS_SEPARATOR], true);
        if ($isName && !$isOther) {
            $names[$token[1]] = true;
        }
    }
    return array_keys($names);
}

error_reporting(-1);
$notices = [];
set_error_handler(function ($level, $message) use (&$notices) {
    $notices[] = $message;
    return true;
});
$unknown = [];
foreach (glob('/php/*.php') as $path) {
    $source = file_get_contents($path);
    // The source is compiled and left before any of its code runs.
    eval("return;\n?>" . $source);
    $ours = get_defined_functions()['user'];
    foreach (called_functions($source) as $name) {
        if (!function_exists($name) && !in_array(strtolower($name), $ours, true) && !in_array($name, OF_BITRIX, true)) {
            $unknown[] = basename($path) . ': ' . $name;
        }
    }
}
$prices = [];
foreach (json_decode(file_get_contents('/php/prices.json'), true) as $case) {
    $lines = [];
    foreach ($case['lines'] as list($quantity, $price)) {
        $lines[] = ['basket_id' => 1, 'product_id' => 5, 'quantity' => (float)$quantity, 'price' => (float)$price];
    }
    $prices[] = array_map(function (array $line): array {
        return [$line['quantity'], round($line['price'], 2)];
    }, CvetyCrmPrices::spread($lines, (float)$case['goods']));
}
echo json_encode(['version' => PHP_VERSION, 'notices' => $notices, 'unknown' => $unknown, 'prices' => $prices]);
