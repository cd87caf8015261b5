<?php
/**
 * A page of the test shop. It runs the steps of a JSON request in one hit, as a checkout or the back office does.
 *
 * The request is {"steps": [["create", {…}], ["change", id, {column: value}, {code: value}], …], "dies": false}. The
 * steps are the methods of FakeSteps.
 */

ob_start();
require $_SERVER['DOCUMENT_ROOT'] . '/bitrix/modules/main/include/prolog_before.php';
require FAKE_FOLDER . '/steps.php';

$GLOBALS['USER'] = new CUser();
$request = json_decode(file_get_contents('php://input'), true);
if (!empty($request['crontab'])) {
    define('BX_CRONTAB', true);
}
$steps = new FakeSteps();
$answers = [];
foreach ($request['steps'] as $step) {
    $do = array_shift($step);
    $answers[] = $steps->$do(...$step);
}
if (!empty($request['dies'])) {
    die(json_encode($answers));
}
while (ob_get_level()) {
    ob_end_clean();
}
CMain::FinalActions(json_encode($answers));
