-- The part of Bitrix's tables that the site's PHP reads. Names and columns are those of the sale, main, iblock and
-- catalog modules; DECIMAL columns are text here, so that "7500.0000" stays what MySQL gives.
CREATE TABLE b_option (MODULE_ID text, NAME text, VALUE text, PRIMARY KEY (MODULE_ID, NAME));
CREATE TABLE b_agent (
    ID integer PRIMARY KEY AUTOINCREMENT, MODULE_ID text, NAME text, ACTIVE text DEFAULT 'Y', LAST_EXEC datetime,
    AGENT_INTERVAL int, IS_PERIOD text
);
CREATE TABLE b_user (
    ID integer PRIMARY KEY AUTOINCREMENT, ACTIVE text DEFAULT 'Y', LOGIN text UNIQUE, PASSWORD text DEFAULT 'a made-up hash',
    CHECKWORD text DEFAULT 'a made-up word', NAME text DEFAULT '', LAST_NAME text DEFAULT '', SECOND_NAME text DEFAULT '',
    EMAIL text, PERSONAL_PHONE text DEFAULT '', PERSONAL_MOBILE text DEFAULT '', DATE_REGISTER datetime,
    TIMESTAMP_X datetime, XML_ID text
);
CREATE TABLE b_user_phone_auth (USER_ID int PRIMARY KEY, PHONE_NUMBER text UNIQUE, OTP_SECRET text DEFAULT 'made up');
CREATE TABLE b_sale_person_type (ID integer PRIMARY KEY, LID text, NAME text, SORT int, ACTIVE text);
CREATE TABLE b_sale_status (ID text PRIMARY KEY, TYPE text, SORT int);
CREATE TABLE b_sale_status_lang (STATUS_ID text, LID text, NAME text, PRIMARY KEY (STATUS_ID, LID));
CREATE TABLE b_sale_pay_system_action (ID integer PRIMARY KEY, NAME text, ACTIVE text, SORT int);
CREATE TABLE b_sale_delivery_srv (ID integer PRIMARY KEY, NAME text);
CREATE TABLE b_sale_order_props (
    ID integer PRIMARY KEY, PERSON_TYPE_ID int, NAME text, CODE text, TYPE text DEFAULT 'STRING', MULTIPLE text DEFAULT 'N'
);
CREATE TABLE b_sale_order_props_variant (ID integer PRIMARY KEY, ORDER_PROPS_ID int, NAME text, VALUE text, SORT int);
CREATE TABLE b_sale_order_props_value (
    ID integer PRIMARY KEY AUTOINCREMENT, ORDER_ID int, ORDER_PROPS_ID int, NAME text, VALUE text, CODE text,
    ENTITY_ID int, ENTITY_TYPE text
);
CREATE TABLE b_sale_order (
    ID integer PRIMARY KEY AUTOINCREMENT, LID text, PERSON_TYPE_ID int, PAYED text DEFAULT 'N', DATE_PAYED datetime,
    EMP_PAYED_ID int, CANCELED text DEFAULT 'N', DATE_CANCELED datetime, EMP_CANCELED_ID int, REASON_CANCELED text,
    STATUS_ID text, DATE_STATUS datetime, EMP_STATUS_ID int, PRICE_DELIVERY text DEFAULT '0.0000',
    ALLOW_DELIVERY text DEFAULT 'N', DEDUCTED text DEFAULT 'N', MARKED text DEFAULT 'N', PRICE text DEFAULT '0.0000',
    CURRENCY text, DISCOUNT_VALUE text DEFAULT '0.0000', USER_ID int, PAY_SYSTEM_ID int, DELIVERY_ID text,
    DATE_INSERT datetime, DATE_UPDATE datetime, USER_DESCRIPTION text, ADDITIONAL_INFO text, COMMENTS text,
    TAX_VALUE text DEFAULT '0.00', SUM_PAID text DEFAULT '0.00', ORDER_TOPIC text, RESPONSIBLE_ID int, COMPANY_ID int,
    ACCOUNT_NUMBER text, TRACKING_NUMBER text, XML_ID text, VERSION int DEFAULT 0, EXTERNAL_ORDER text DEFAULT 'N',
    RUNNING text DEFAULT 'N', SEARCH_CONTENT text
);
CREATE TABLE b_sale_basket (
    ID integer PRIMARY KEY AUTOINCREMENT, ORDER_ID int, PRODUCT_ID int, PRICE text, CURRENCY text, BASE_PRICE text,
    DISCOUNT_PRICE text, QUANTITY text, LID text, NAME text, PRODUCT_XML_ID text, PRODUCT_PROVIDER_CLASS text,
    CUSTOM_PRICE text, CAN_BUY text, DELAY text, SORT int DEFAULT 100
);
CREATE TABLE b_sale_order_payment (
    ID integer PRIMARY KEY AUTOINCREMENT, ORDER_ID int, PAY_SYSTEM_ID int, PAY_SYSTEM_NAME text, SUM text, CURRENCY text,
    PAID text DEFAULT 'N', EMP_PAID_ID int
);
CREATE TABLE b_sale_order_delivery (
    ID integer PRIMARY KEY AUTOINCREMENT, ORDER_ID int, DELIVERY_ID int, DELIVERY_NAME text, PRICE_DELIVERY text,
    BASE_PRICE_DELIVERY text, CUSTOM_PRICE_DELIVERY text, CURRENCY text, TRACKING_NUMBER text, "SYSTEM" text DEFAULT 'N'
);
CREATE TABLE b_sale_order_dlv_basket (
    ID integer PRIMARY KEY AUTOINCREMENT, ORDER_DELIVERY_ID int, BASKET_ID int, QUANTITY text
);
CREATE TABLE b_iblock_element (
    ID integer PRIMARY KEY, IBLOCK_ID int, NAME text, CODE text, XML_ID text, ACTIVE text, TIMESTAMP_X datetime,
    SORT int DEFAULT 500, DETAIL_PICTURE int, WF_PARENT_ELEMENT_ID int
);
CREATE TABLE b_catalog_product (ID integer PRIMARY KEY, QUANTITY text);
CREATE TABLE b_catalog_price (
    ID integer PRIMARY KEY, PRODUCT_ID int, CATALOG_GROUP_ID int, PRICE text, CURRENCY text, QUANTITY_FROM int
);
